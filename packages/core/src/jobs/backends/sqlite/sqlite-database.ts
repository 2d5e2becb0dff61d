import { errorMessage } from '../../../shared/error-message.ts'
import { factsOf, isInstance } from '../../../shared/thrown.ts'
import { trimEnd } from '../../../shared/trim-end.ts'
import { JobBackendError } from '../../job-errors.ts'

/** The part of a `better-sqlite3` statement that the backend uses. */
export interface SqliteStatement {
  run(...values: unknown[]): { readonly changes: number }
  get(...values: unknown[]): unknown
  all(...values: unknown[]): unknown[]
  pluck(): unknown
  safeIntegers(toggle?: boolean): unknown
}

/** The part of a `better-sqlite3` database that the backend uses. */
export interface SqliteDatabase {
  readonly name: string
  readonly memory: boolean
  readonly open: boolean
  readonly inTransaction: boolean
  prepare(sql: string): SqliteStatement
  exec(sql: string): unknown
  pragma(source: string, options?: { readonly simple?: boolean }): unknown
  close(): unknown
}

/** Whether a lock is held, or the app iterates over rows on the same connection. Both end after a while. */
export function isBusy(error: unknown): boolean {
  return (
    /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error)) ||
    (isInstance(error, TypeError) && errorMessage(error).includes('connection is busy'))
  )
}

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^SQLITE_NOTADB/, 'is not an SQLite database'],
  [/^SQLITE_CORRUPT/, 'is damaged'],
  [/^SQLITE_FULL/, 'cannot grow: the disk is full'],
  [/^SQLITE_READONLY/, 'cannot be written to'],
  [/^SQLITE_(CANTOPEN|PERM|AUTH)/, 'cannot be opened'],
  [/^SQLITE_(BUSY|LOCKED)/, 'is locked by another process'],
  [/^SQLITE_IOERR/, 'cannot be read or written: the file system reports an error'],
]

/** Converts an error of SQLite. */
export function backendError(file: string, error: unknown): JobBackendError {
  if (isInstance(error, JobBackendError)) return error
  const code = codeOf(error)
  const reason = REASONS.find(([pattern]) => pattern.test(code))?.[1]
  const message = errorMessage(error)
  const text = reason === undefined ? `does not work: ${message}` : `${reason} (${code}: ${message})`
  return new JobBackendError(`The SQLite file "${file}" ${trimEnd(text, '.')}.`, { cause: error })
}

function codeOf(error: unknown): string {
  return factsOf(error).code?.toString() ?? ''
}

/** Statements of a database, each prepared once. */
export class Statements {
  readonly #prepared = new Map<string, SqliteStatement>()

  constructor(private readonly database: SqliteDatabase) {}

  all<T>(sql: string, ...values: readonly unknown[]): readonly T[] {
    return this.#get(sql).all(...values) as readonly T[]
  }

  get<T>(sql: string, ...values: readonly unknown[]): T | undefined {
    return this.#get(sql).get(...values) as T | undefined
  }

  /** @returns How many rows were changed. */
  run(sql: string, ...values: readonly unknown[]): number {
    return this.#get(sql).run(...values).changes
  }

  #get(sql: string): SqliteStatement {
    let statement = this.#prepared.get(sql)
    if (statement === undefined) {
      statement = this.database.prepare(sql)
      // An app may have all numbers of its database as `bigint`.
      statement.safeIntegers(false)
      this.#prepared.set(sql, statement)
    }
    return statement
  }
}
