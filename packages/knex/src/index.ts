export { cached } from './cached.ts'
export { knexConnection } from './knex-connection.ts'
export type { KnexOptions, KnexReplica } from './replica-reads.ts'
export { unsluice, withSluice } from './with-sluice.ts'
