import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorMessage } from '../../../shared/error-message.ts'
import { loadPackage } from '../../../shared/late-modules.ts'
import { trimEnd } from '../../../shared/trim-end.ts'
import { JobBackendError } from '../../job-errors.ts'
import { backendError, isBusy, type SqliteDatabase } from './sqlite-database.ts'
import { migrate } from './sqlite-schema.ts'

const PAUSE_MS = 10
/** A write-ahead log that has grown beyond this is cut down to it. */
const MAX_LOG_BYTES = 67_108_864

export interface OpenOptions {
  readonly synchronous: 'NORMAL' | 'FULL'
  readonly lockTimeoutMs: number
}

/**
 * Opens a file, or takes a database that is open, and creates the tables.
 *
 * @throws JobBackendError; MissingPackageError.
 */
export async function openDatabase(
  file: string | SqliteDatabase,
  options: OpenOptions,
): Promise<SqliteDatabase> {
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

/** @throws MissingPackageError; JobBackendError, if its native part cannot be loaded. */
async function loadDriver(): Promise<Open> {
  const { default: Sqlite } = await loadPackage(
    'sqliteJobBackend',
    'better-sqlite3',
    () => import('better-sqlite3'),
  )
  try {
    // Its native part is loaded with the first database.
    new Sqlite(':memory:').close()
  } catch (error) {
    const message = errorMessage(error)
    throw new JobBackendError(`sqliteJobBackend cannot load "better-sqlite3": ${trimEnd(message, '.')}.`, {
      cause: error,
    })
  }
  // SQLite itself would wait for locks by stopping the process.
  return (file) => {
    createPrivately(file)
    return new Sqlite(file, { timeout: 0 })
  }
}

/**
 * Creates the file for its owner only: tasks can contain personal data. SQLite gives its other files the same
 * mode. A file that exists keeps its mode.
 */
function createPrivately(file: string): void {
  if (file === '' || file === ':memory:') return
  try {
    closeSync(openSync(file, 'ax', 0o600))
  } catch {
    // It exists, or cannot be created, which SQLite reports.
  }
}
