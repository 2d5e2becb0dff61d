import { addCallers } from '../../pipeline/error-stack.ts'
import { outcomeOfSynchronous } from '../../pipeline/outcome.ts'
import { type AdapterClient, attachClient } from '../attach-client.ts'
import { registeredHost } from '../host-registry.ts'
import { isInstrumented, markInstrumented } from '../instrumented-clients.ts'
import { type PoolDescription, standInFor } from './pool.ts'
import { SQLITE_METHODS, sendSqlite, sqliteConnection } from './sqlite.ts'

type Method = (...args: unknown[]) => unknown

/** The members of a statement of `better-sqlite3` that Sluice replaces. */
interface SqliteStatement extends Record<PropertyKey, unknown> {
  readonly reader: boolean
  all(...params: unknown[]): unknown[]
  run(...params: unknown[]): unknown
}

/** The same of a database. */
interface SqliteDatabase extends Record<PropertyKey, unknown> {
  readonly inTransaction: boolean
  prepare(sql: string): SqliteStatement
  exec(sql: string): unknown
  transaction(work: Method): Method
  close(): unknown
}

/** Kinds of transactions, which are also methods of a transaction function. */
const KINDS = ['default', 'deferred', 'immediate', 'exclusive'] as const

/** Whether an object is a database of `better-sqlite3`. */
export function isSqliteDatabase(client: object): boolean {
  const members = client as Partial<SqliteDatabase>
  return ['prepare', 'exec', 'transaction', 'pragma'].every((name) => typeof members[name] === 'function')
}

interface Host {
  isOptimizing(): boolean
  warn(message: string): void
}

/**
 * Returns a stand-in for a database of `better-sqlite3`, through which Sluice observes each statement when it
 * runs. The database itself is not modified. One that is already a stand-in is returned unchanged.
 *
 * @throws InvalidArgumentError if `sluice` is not a Sluice.
 */
export function sluiceSqlite<TDatabase extends object>(
  database: TDatabase,
  sluice: object,
  options: PoolDescription = {},
): TDatabase {
  if (isInstrumented(database, sluice)) return database
  const host = registeredHost(sluice) as Host
  if (host.isOptimizing())
    host.warn(
      'Sluice only observes better-sqlite3: its calls are synchronous, so mode optimize has no effect on it.',
    )
  const observed = observedDatabase(database as unknown as SqliteDatabase, sluice, options)
  markInstrumented(observed, sluice)
  return observed as unknown as TDatabase
}

function observedDatabase(
  database: SqliteDatabase,
  sluice: object,
  { orm = 'better-sqlite3', moduleUrl = import.meta.url, fix }: PoolDescription,
): SqliteDatabase {
  const held = new WeakRef(database)
  const client = attachClient(sluice, {
    orm,
    dialect: 'sqlite',
    moduleUrl,
    ...(fix && { fix }),
    connection: () => {
      const living = held.deref()
      return living && sqliteConnection((sql) => living.prepare(sql))
    },
    writeOutcome: outcomeOfSynchronous,
  })
  const observed: SqliteDatabase = standInFor(database, {
    prepare: (sql) => {
      try {
        return observedStatement(client, database, database.prepare(sql as string), sql as string)
      } catch (error) {
        addCallers(error)
        throw error
      }
    },
    exec: (sql) => {
      const send = () => void database.exec(sql as string)
      sendSqlite(client, database, { method: 'exec', sql: sql as string, args: [], send })
      return observed
    },
    // The database's own method sends BEGIN and COMMIT unseen.
    transaction: (work) => transactionOf(observed, work as Method),
    close: () => {
      client.detach()
      database.close()
      return observed
    },
  })
  return observed
}

function observedStatement(
  client: AdapterClient,
  database: SqliteDatabase,
  statement: SqliteStatement,
  sql: string,
): SqliteStatement {
  const running = SQLITE_METHODS.map((name) => {
    const method = statement[name] as Method
    const observed: Method = (...args) =>
      sendSqlite(client, database, {
        method: name,
        sql,
        args,
        send: () => method.apply(statement, args),
      })
    return [name, observed] as const
  })
  return standInFor(statement, Object.fromEntries(running))
}

/** The same function as `database.transaction(work)` returns, but its statements are observed. */
function transactionOf(database: SqliteDatabase, work: Method): Method {
  const variants = Object.fromEntries(
    KINDS.map((kind) => [
      kind,
      function transaction(this: unknown, ...args: unknown[]): unknown {
        return inTransaction(database, kind, () => work.apply(this, args))
      },
    ]),
  )
  return Object.assign(variants.default as Method, variants, { database })
}

/** The names are those of `better-sqlite3`, so that both can be nested. */
const SAVEPOINT = '`\t_bs3.\t`'

function inTransaction(database: SqliteDatabase, kind: (typeof KINDS)[number], work: () => unknown): unknown {
  const isNested = database.inTransaction
  const send = (sql: string) => void database.prepare(sql).run()
  send(isNested ? `SAVEPOINT ${SAVEPOINT}` : kind === 'default' ? 'BEGIN' : `BEGIN ${kind.toUpperCase()}`)
  try {
    const result = work()
    if (typeof (result as { then?: unknown } | null | undefined)?.then === 'function')
      throw new TypeError('Transaction function cannot return a promise')
    send(isNested ? `RELEASE ${SAVEPOINT}` : 'COMMIT')
    return result
  } catch (error) {
    if (database.inTransaction) {
      send(isNested ? `ROLLBACK TO ${SAVEPOINT}` : 'ROLLBACK')
      if (isNested) send(`RELEASE ${SAVEPOINT}`)
    }
    throw error
  }
}
