import type {
  ArgType,
  SqlDriverAdapter,
  SqlDriverAdapterFactory,
  SqlQueryable,
} from '@prisma/driver-adapter-utils'
import { analyzeSql, type Connection, type Dialect, InvalidArgumentError } from '@sluice/core'
import { sending } from '@sluice/core/adapter'
import { dialectOf } from './schema/prisma-schema-data.ts'

/** A separate connection, or pool of connections, that the caller owns until it is closed. */
export interface PrismaConnection extends Connection {
  close(): Promise<void>
}

/**
 * Connects a driver adapter without Sluice: statements on this connection are not observed, cached or
 * counted.
 *
 * @param factory - As passed to `PrismaClient`, or to `sluiceAdapter`. Do not pass a factory that ends a pool
 * of the app (`disposeExternalPool`): closing the connection disposes of the adapter.
 * @throws InvalidArgumentError for a database other than PostgreSQL, MySQL, MariaDB and SQLite.
 * @example
 * ```ts
 * const connection = await prismaConnection(new PrismaPg({ connectionString }))
 * ```
 */
export async function prismaConnection(factory: SqlDriverAdapterFactory): Promise<PrismaConnection> {
  const dialect = dialectOf(factory.provider)
  if (dialect === undefined)
    throw new InvalidArgumentError(
      'factory',
      'a driver adapter of PostgreSQL, MySQL, MariaDB or SQLite',
      factory.provider,
    )
  const unwrapped = (factory as { readonly [UNWRAPPED]?: SqlDriverAdapterFactory })[UNWRAPPED] ?? factory
  const adapter = await unwrapped.connect()
  return { ...adapterConnection(adapter, dialect), close: () => adapter.dispose() }
}

/** Property of Sluice's factories that contains the wrapped factory. */
export const UNWRAPPED: unique symbol = Symbol.for('sluice.prisma.unwrapped')

/**
 * Access to an adapter's database that bypasses Sluice: its statements are neither observed nor cached.
 *
 * A session is a connection that the adapter reserves for a transaction, which is ended before the work
 * begins: a statement that fails affects only itself. On PostgreSQL, the state that the work left in the
 * session (temporary tables, settings, prepared statements) is discarded; on MySQL, code that changes a
 * session must restore it. SQLite has one connection for all statements and no session: the app's writes
 * would be interleaved.
 */
export function adapterConnection(adapter: SqlDriverAdapter, dialect: Dialect): Connection {
  const plain = queryableConnection(adapter, dialect)
  return dialect === 'sqlite'
    ? plain
    : { ...plain, session: (work) => onOwnConnection(adapter, dialect, work) }
}

function queryableConnection(queryable: SqlQueryable, dialect: Dialect): Connection {
  return { dialect, query: (sql, params) => rowsOf(queryable, sql, params) }
}

async function onOwnConnection<T>(
  adapter: SqlDriverAdapter,
  dialect: Dialect,
  work: (session: Connection) => Promise<T>,
): Promise<T> {
  const transaction = await sending({ send: () => adapter.startTransaction() })
  let isChanged = false
  const end = () =>
    sending({ send: () => transaction.executeRaw({ sql: 'ROLLBACK', args: [], argTypes: [] }) })
  const session: Connection = {
    dialect,
    query: (sql, params) => {
      isChanged ||= !leavesAsItWas(sql, dialect)
      return rowsOf(transaction, sql, params)
    },
    session: (inner) => inner(session),
  }
  try {
    await end()
    return await work(session)
  } finally {
    try {
      await end()
      if (isChanged && dialect === 'postgresql')
        await transaction.executeRaw({ sql: 'DISCARD ALL', args: [], argTypes: [] })
    } finally {
      await transaction.rollback()
    }
  }
}

/** Whether a statement followed by ROLLBACK certainly leaves the session as it was before. */
function leavesAsItWas(sql: string, dialect: Dialect): boolean {
  if (/^\s*(?:SET LOCAL|BEGIN|ROLLBACK|EXPLAIN)\b/i.test(sql)) return true
  const { statement } = analyzeSql(sql, dialect)
  const isRead =
    statement.kinds.every((kind) => kind === 'SELECT' || kind === 'VALUES') && statement.writes.length === 0
  const ownCalls = [...statement.functions].every(
    (name) => name.startsWith('pg_catalog.') && !/set_config|advisory/.test(name),
  )
  return isRead && statement.opaque === undefined && ownCalls
}

async function rowsOf(
  queryable: SqlQueryable,
  sql: string,
  params: readonly unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const query = { sql, args: [...params], argTypes: params.map(argTypeOf) }
  const { columnNames, rows } = await sending({ send: () => queryable.queryRaw(query) })
  return rows.map((row) => Object.fromEntries(columnNames.map((name, at) => [name, row[at]])))
}

function argTypeOf(value: unknown): ArgType {
  const scalarType = ((): ArgType['scalarType'] => {
    if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float'
    if (typeof value === 'bigint') return 'bigint'
    if (typeof value === 'boolean') return 'boolean'
    if (value instanceof Date) return 'datetime'
    return value instanceof Uint8Array ? 'bytes' : 'string'
  })()
  return { scalarType, arity: Array.isArray(value) ? 'list' : 'scalar' }
}
