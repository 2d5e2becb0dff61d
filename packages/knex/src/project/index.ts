export type { KnexProject } from './knex-migration.ts'
export { knexNaming, knexProject } from './knex-project.ts'
