/**
 * Sluice for Drizzle.
 *
 * @packageDocumentation
 */
export type { DrizzleOptions, DrizzleReplica } from './replicas.ts'
export { withSluice } from './with-sluice.ts'
