import { BATCH_MUTATIONS } from './batch-mutations.ts'
import { BUILDER_MUTATIONS } from './builder-mutations.ts'
import { CACHE_MUTATIONS } from './cache-mutations.ts'
import type { Mutation } from './mutation.ts'
import { ORDER_MUTATIONS } from './order-mutations.ts'
import { PREFETCH_MUTATIONS } from './prefetch-mutations.ts'
import { PROOF_MUTATIONS } from './proof-mutations.ts'
import { SCHEMA_MUTATIONS } from './schema-mutations.ts'

/** Every rule of correctness whose violation the oracle, or the named test, must detect. */
export const MUTATIONS: readonly Mutation[] = [
  ...BATCH_MUTATIONS,
  ...PREFETCH_MUTATIONS,
  ...CACHE_MUTATIONS,
  ...SCHEMA_MUTATIONS,
  ...BUILDER_MUTATIONS,
  ...ORDER_MUTATIONS,
  ...PROOF_MUTATIONS,
]
