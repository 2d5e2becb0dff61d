export type { SqliteDatabase, SqliteStatement } from './sqlite-database.ts'
export { type SqliteJobOptions, sqliteJobBackend } from './sqlite-job-backend.ts'
