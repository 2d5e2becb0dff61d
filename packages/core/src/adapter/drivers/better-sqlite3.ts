import type { Connection } from '../../schema/connection.ts'
import type { AdapterClient } from '../attach-client.ts'
import { sending } from '../sending.ts'

/** Methods with which a statement of `better-sqlite3` runs. */
export const BETTER_SQLITE3_METHODS = ['all', 'get', 'iterate', 'run'] as const

/** A call that runs SQL: a method of a statement, or `exec` of a database. */
export interface BetterSqlite3Call {
  readonly method: (typeof BETTER_SQLITE3_METHODS)[number] | 'exec'
  readonly sql: string
  /** The arguments of the method that are values: each a value, or several as an array. */
  readonly args: readonly unknown[]
  send(): unknown
}

/** Sends a call that Sluice observes, and returns its result. */
export function sendBetterSqlite3(
  client: Pick<AdapterClient, 'statementSync' | 'stream'>,
  database: object,
  { method, sql, args, send }: BetterSqlite3Call,
): unknown {
  const params = args.flat()
  if (method !== 'iterate')
    return client.statementSync(database, { sql, params, rows: rowsOf[method], isKnown: true, send })
  const { end } = client.stream(database, { sql, params })
  return iterated(sending({ send }) as Iterable<unknown>, end)
}

/** The number of rows in the value that each method returns. In raw mode, a row is an array. */
const rowsOf: Readonly<
  Record<Exclude<BetterSqlite3Call['method'], 'iterate'>, (returned: unknown) => number>
> = {
  all: (rows) => (rows as readonly unknown[]).length,
  get: (row) => (row === undefined ? 0 : 1),
  run: () => 0,
  exec: () => 0,
}

function* iterated(rows: Iterable<unknown>, end: (error: unknown, rows: number) => unknown) {
  let count = 0
  let error: unknown
  try {
    for (const row of rows) {
      count += 1
      yield row
    }
  } catch (thrown) {
    error = thrown
    throw thrown
  } finally {
    end(error, count)
  }
}

interface BetterSqlite3Statement {
  readonly reader: boolean
  all(...params: unknown[]): unknown
  run(...params: unknown[]): unknown
}

/** A database of `better-sqlite3` without Sluice, by its `prepare`. */
export function betterSqlite3Connection(prepare: (sql: string) => BetterSqlite3Statement): Connection {
  const connection: Connection = {
    dialect: 'sqlite',
    async query(sql, params = []) {
      const statement = prepare(sql)
      const send = () => (statement.reader ? statement.all(...params) : void statement.run(...params))
      return (sending({ send }) ?? []) as readonly Readonly<Record<string, unknown>>[]
    },
    session: (work) => work(connection),
  }
  return connection
}
