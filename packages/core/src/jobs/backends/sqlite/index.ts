export { type SqliteJobOptions, sqliteJobBackend } from './sqlite-backend.ts'
export type { SqliteDatabase, SqliteStatement } from './sqlite-database.ts'
