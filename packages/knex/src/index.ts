export { cached } from './cached.ts'
export { knexConnection } from './knex-connection.ts'
export type { KnexOptions } from './replica-reads.ts'
export { unsluice, withSluice } from './with-sluice.ts'
