import type { Connection } from '../../schema/connection.ts'
import type { AdapterClient } from '../attach-client.ts'
import { sending } from '../sending.ts'

/** Methods with which a statement of `better-sqlite3` and of `node:sqlite` runs. */
export const SQLITE_METHODS = ['all', 'get', 'iterate', 'run'] as const

/** A call of a synchronous driver that runs SQL: a method of a statement, or `exec` of a database. */
export interface SqliteCall {
  readonly method: (typeof SQLITE_METHODS)[number] | 'exec'
  readonly sql: string
  /** The arguments of the method that are values: each a value, or several as an array. */
  readonly args: readonly unknown[]
  send(): unknown
}

/** Sends a call that Sluice observes, and returns its result. */
export function sendSqlite(
  client: Pick<AdapterClient, 'statementSync' | 'stream'>,
  database: object,
  { method, sql, args, send }: SqliteCall,
): unknown {
  const params = args.flat()
  if (method !== 'iterate')
    return client.statementSync(database, { sql, params, rows: rowsOf[method], isKnown: true, send })
  const { end } = client.stream(database, { sql, params })
  return observed(sending({ send }) as IterableIterator<unknown>, end)
}

/** The number of rows in the value that each method returns. In raw mode, a row is an array. */
const rowsOf: Readonly<Record<Exclude<SqliteCall['method'], 'iterate'>, (returned: unknown) => number>> = {
  all: (rows) => (rows as readonly unknown[]).length,
  get: (row) => (row === undefined ? 0 : 1),
  run: () => 0,
  exec: () => 0,
}

/** The iterator of the driver itself: its class and its results stay the same. */
function observed(
  rows: IterableIterator<unknown>,
  end: (error: unknown, rows: number) => unknown,
): IterableIterator<unknown> {
  const { next, return: close } = rows
  let count = 0
  let isOver = false
  const over = (error?: unknown) => {
    if (!isOver) end(error, count)
    isOver = true
  }
  const replaced = {
    next(): IteratorResult<unknown> {
      let result: IteratorResult<unknown>
      try {
        result = next.call(rows)
      } catch (error) {
        over(error)
        throw error
      }
      if (result.done === true) over()
      else count += 1
      return result
    },
    return(): unknown {
      over()
      return close?.call(rows)
    },
  }
  for (const [name, value] of Object.entries(replaced))
    Object.defineProperty(rows, name, { value, configurable: true, writable: true })
  return rows
}

interface SqliteStatement {
  /** `node:sqlite` has none: its `all` runs each statement. */
  readonly reader?: boolean
  all(...params: unknown[]): unknown
  run(...params: unknown[]): unknown
}

/** A database of a synchronous driver without Sluice, by its `prepare`. */
export function sqliteConnection(prepare: (sql: string) => SqliteStatement): Connection {
  const connection: Connection = {
    dialect: 'sqlite',
    async query(sql, params = []) {
      const statement = prepare(sql)
      const send = () =>
        statement.reader === false ? void statement.run(...params) : statement.all(...params)
      return (sending({ send }) ?? []) as readonly Readonly<Record<string, unknown>>[]
    },
    session: (work) => work(connection),
  }
  return connection
}
