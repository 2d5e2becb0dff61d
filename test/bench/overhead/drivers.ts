import { createRequire } from 'node:module'
import type { Database } from 'better-sqlite3'
import type { Pool } from 'pg'
import { POOL, POSTGRES_URL, SQLITE_FILE } from './opened-orm.ts'

/** Peers patch modules that are loaded by `require`. */
export const require = createRequire(import.meta.url)

/** The SQLite database of the contenders, for ORMs that are given a driver. */
export async function openSqlite(): Promise<Database> {
  const { default: SqliteDatabase } = await import('better-sqlite3')
  return new SqliteDatabase(process.env[SQLITE_FILE] ?? '')
}

export function openPool(): Pool {
  const pg = require('pg') as typeof import('pg')
  return new pg.Pool({ connectionString: process.env[POSTGRES_URL] ?? '', max: POOL, idleTimeoutMillis: 0 })
}
