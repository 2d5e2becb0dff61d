/**
 * Sluice for Drizzle.
 *
 * @packageDocumentation
 */
export type { DrizzleOptions, DrizzleReplica } from './replicas.ts'
export { drizzleDescription, withSluice } from './with-sluice.ts'
