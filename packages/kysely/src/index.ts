/**
 * Sluice for Kysely.
 *
 * @packageDocumentation
 */
export type { KyselyOptions, KyselyReplica } from './replicas.ts'
export { withSluice } from './with-sluice.ts'
