import { setTimeout as sleep } from 'node:timers/promises'
import { JobBackendError } from '../../job-errors.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import { backendError, isBusy } from './sqlite-errors.ts'
import { migrate } from './sqlite-schema.ts'

const PAUSE_MS = 10
/** A write-ahead log that has grown beyond this is cut down to it. */
const MAX_LOG_BYTES = 67_108_864

export interface OpenOptions {
  readonly synchronous: 'NORMAL' | 'FULL'
  readonly lockTimeoutMs: number
}

/**
 * Opens a file, or takes a database that is open, and makes the tables.
 *
 * @throws JobBackendError.
 */
export async function openDatabase(file: string | SqliteDatabase, options: OpenOptions): Promise<SqliteDatabase> {
  const name = typeof file === 'string' ? file : file.name
  const until = performance.now() + options.lockTimeoutMs
  const open = typeof file === 'string' ? await loadDriver() : undefined
  for (;;) {
    let database: SqliteDatabase | undefined
    try {
      database = typeof file === 'string' ? (open as Open)(file) : file
      if (typeof file === 'string') configure(database, options)
      prepare(database)
      return database
    } catch (error) {
      if (typeof file === 'string') database?.close()
      // Another process makes the tables, or recovers the file.
      if (!isBusy(error) || performance.now() > until) throw backendError(name, error)
    }
    await sleep(PAUSE_MS)
  }
}

function configure(database: SqliteDatabase, { synchronous }: OpenOptions): void {
  database.pragma('journal_mode = WAL')
  database.pragma(`synchronous = ${synchronous}`)
  database.pragma(`journal_size_limit = ${MAX_LOG_BYTES}`)
}

function prepare(database: SqliteDatabase): void {
  if (!database.open) throw new Error('it was closed')
  database.exec('BEGIN IMMEDIATE')
  try {
    migrate(database)
    database.exec('COMMIT')
  } catch (error) {
    if (database.inTransaction) database.exec('ROLLBACK')
    throw error
  }
}

type Open = (file: string) => SqliteDatabase

async function loadDriver(): Promise<Open> {
  try {
    const { default: Sqlite } = await import('better-sqlite3')
    // Its native part is not loaded before the first database is.
    new Sqlite(':memory:').close()
    // SQLite itself would wait for locks by stopping the process.
    return (file) => new Sqlite(file, { timeout: 0 })
  } catch (error) {
    const { code, message = '' } = error as { readonly code?: string; readonly message?: string }
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' && message.includes("'better-sqlite3'")
    const text = isMissing ? 'needs the package "better-sqlite3": npm install better-sqlite3' : `cannot load "better-sqlite3": ${message}`
    throw new JobBackendError(`sqliteJobBackend ${text}`.replace(/\.*$/, '.'), { cause: error })
  }
}
