export { postgresJobBackend } from './postgres-backend.ts'
export { PostgresJobsSetUpError, postgresJobsSql } from './postgres-jobs-sql.ts'
export type {
  PostgresJobBackendOptions,
  PostgresJobsSqlOptions,
  PostgresPool,
  PostgresPoolClient,
  PostgresQuery,
} from './postgres-options.ts'
