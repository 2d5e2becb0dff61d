export { postgresJobBackend } from './postgres-backend.ts'
export { postgresJobsSql } from './postgres-jobs-sql.ts'
export type {
  PostgresJobBackendOptions,
  PostgresJobsSqlOptions,
  PostgresPool,
  PostgresPoolClient,
  PostgresQuery,
} from './postgres-options.ts'
export { PostgresJobsSetUpError } from './set-up-tables.ts'
