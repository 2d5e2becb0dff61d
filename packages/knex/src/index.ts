export { cached } from './cached.ts'
export { knexConnection } from './knex-connection.ts'
export { unsluice, withSluice } from './with-sluice.ts'
