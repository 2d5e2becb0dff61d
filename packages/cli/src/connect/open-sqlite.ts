import { existsSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import type Database from 'better-sqlite3'
import { loadDriver } from './load-driver.ts'
import { ConnectError, type OpenConnection, withoutParameters } from './own-connection.ts'

/** The file path of a URL. In `sqlite://blog.db`, the path is relative, as in other tools. */
export function sqlitePath(url: string): string {
  return withoutParameters(url.replace(/^(file|sqlite):(\/\/)?/, ''))
}

/** @param isWritable - Default: read-only. */
export async function openSqlite(file: string, isWritable = false): Promise<OpenConnection> {
  const { default: Sqlite } = await loadDriver('better-sqlite3', () => import('better-sqlite3'))
  if (!existsSync(file)) throw new ConnectError(file, new Error('file not found'))
  try {
    const database = new Sqlite(file, { readonly: !isWritable, fileMustExist: true })
    // Only the first read fails if the file is not a database.
    database.pragma('schema_version')
    return connectionOf(database, file)
  } catch (error) {
    throw new ConnectError(file, error)
  }
}

/** An empty database in memory. */
export async function openScratchSqlite(): Promise<OpenConnection> {
  const { default: Sqlite } = await loadDriver('better-sqlite3', () => import('better-sqlite3'))
  return connectionOf(new Sqlite(':memory:'), ':memory:')
}

/** Time after which timers run between two statements, such as those that show the progress. */
const YIELD_EVERY_MS = 100

/** The driver is synchronous, so that without a pause no timer runs in a series of statements. */
function connectionOf(database: Database.Database, address: string): OpenConnection {
  let yieldedAt = performance.now()
  const connection: OpenConnection = {
    dialect: 'sqlite',
    address,
    query: async (sql, params = []) => {
      if (performance.now() - yieldedAt >= YIELD_EVERY_MS) {
        await setImmediate()
        yieldedAt = performance.now()
      }
      const statement = database.prepare(sql)
      const values = params.map(boundValue)
      if (statement.reader) return statement.all(...values) as Record<string, unknown>[]
      statement.run(...values)
      return []
    },
    session: (work) => work(connection),
    close: async () => {
      database.close()
    },
  }
  return connection
}

function boundValue(value: unknown): unknown {
  if (typeof value === 'boolean') return Number(value)
  return value instanceof Date ? value.toISOString() : value
}
