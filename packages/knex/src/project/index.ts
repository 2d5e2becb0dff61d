export { type KnexProject, knexNaming, knexProject } from './knex-project.ts'
