export { cached } from './cached.ts'
export { knexConnection } from './knex-connection.ts'
export type { KnexOptions } from './knex-options.ts'
export { unsluice, withSluice } from './with-sluice.ts'
