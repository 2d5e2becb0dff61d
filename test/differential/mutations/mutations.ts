import { BATCH_MUTATIONS } from './batch-mutations.ts'
import { CACHE_MUTATIONS } from './cache-mutations.ts'
import type { Mutation } from './mutation.ts'

/** Every rule of correctness that the oracle must see broken. */
export const MUTATIONS: readonly Mutation[] = [...BATCH_MUTATIONS, ...CACHE_MUTATIONS]
