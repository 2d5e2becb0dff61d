/**
 * Sluice for Kysely.
 *
 * @packageDocumentation
 */

export type { KyselyOptions, KyselyReplica } from './replicas.ts'
export type { DialectDescription } from './sluice-driver.ts'
export { sluiceDialect, withSluice } from './with-sluice.ts'
