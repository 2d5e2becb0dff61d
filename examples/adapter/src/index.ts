import type { Connection, Sluice } from '@sluice/core'
import {
  type AdapterClient,
  attachClient,
  type EqualitySelect,
  lateStack,
  type Stack,
} from '@sluice/core/adapter'
import type { Pool, PoolConnection, QueryValues, ResultSetHeader, RowDataPacket } from 'mysql2/promise'

/** The result of a statement: rows, or the header of a write. */
type Result = RowDataPacket[] | ResultSetHeader
type Row = Readonly<Record<string, unknown>>

/** A small query library, which the adapter makes faster. */
export interface Db {
  query(sql: string, params?: readonly unknown[]): Promise<readonly Row[]>
  /** Runs work in a transaction, and rolls it back if the work rejects. In a transaction: in a savepoint. */
  transaction<T>(work: (db: Db) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** A database through which Sluice sees every statement. */
export function openDb(pool: Pool, sluice: Sluice): Db {
  const held = new WeakRef(pool)
  const client = attachClient(sluice, {
    orm: 'example',
    dialect: 'mysql',
    // Call sites skip the frames of this package.
    moduleUrl: import.meta.url,
    // The catalog is read through it. It must not keep the pool alive.
    connection: () => {
      const living = held.deref()
      return living && connectionTo(living)
    },
    fix,
    // The type casts of a pool can be functions, so Sluice cannot compare those of two processes.
    settings: () => undefined,
    // One connection executes everything in the order of the calls.
    isSingle: () => held.deref()?.pool.config.connectionLimit === 1,
  })
  return {
    async query(sql, params = []) {
      const { isActive, order } = client
      const unchanged = () => statement(client, pool, sql, params)
      if (!isActive) return unchanged()
      // Only reads that certainly read go through Sluice. Without `optimize`, none does.
      return client.onlyReads(sql)
        ? order.read(() => read(client, pool, sql, params), unchanged)
        : order.run(unchanged)
    },
    async transaction(work) {
      const { value: connection, leave } = await client.order.reserve(() => pool.getConnection())
      try {
        return await within(client, connection, work, ['BEGIN', 'COMMIT', 'ROLLBACK'])
      } finally {
        connection.release()
        leave()
      }
    },
    async close() {
      client.detach()
      await pool.end()
    },
  }
}

/** Runs a read: batched, prefetched, cached, or sent by `send`. */
async function read(
  client: AdapterClient,
  pool: Pool,
  sql: string,
  params: readonly unknown[],
): Promise<readonly Row[]> {
  const stack = lateStack(sql)
  const rows = await client.read({
    sql,
    params,
    rows: 'objects',
    inTransaction: false,
    stack,
    send: (text, values) => statement(client, pool, text, values, stack),
  })
  return rows as readonly Row[]
}

/**
 * Sends a statement. Sluice recognizes writes, DDL, and BEGIN and COMMIT by their SQL, and follows
 * transactions by connection.
 */
async function statement(
  client: AdapterClient,
  on: Pool | PoolConnection,
  sql: string,
  params: readonly unknown[],
  stack?: () => Stack,
): Promise<readonly Row[]> {
  // Each statement of the pool has its own connection.
  const connection = 'release' in on ? on : {}
  const [rows] = await client.statement<[Result, unknown]>(connection, {
    sql,
    params,
    isKnown: true,
    ...(stack !== undefined && { stack }),
    send: () => on.query<Result & RowDataPacket[]>(sql, params as QueryValues),
    rows: ([answer]) => (Array.isArray(answer) ? answer.length : 0),
    // Called instead of `send` if a COMMIT is not allowed.
    rollBack: () => on.query('ROLLBACK'),
  })
  return Array.isArray(rows) ? rows : []
}

type Control = readonly [begin: string, commit: string, rollback: string]

/** Reads of a transaction are sent unchanged, because others must not see them. */
async function within<T>(
  client: AdapterClient,
  connection: PoolConnection,
  work: (db: Db) => Promise<T>,
  [begin, commit, rollback]: Control,
  depth = 1,
): Promise<T> {
  const query: Db['query'] = (sql, params = []) => statement(client, connection, sql, params)
  const name = `nested_${depth}`
  const savepoint = [
    `SAVEPOINT ${name}`,
    `RELEASE SAVEPOINT ${name}`,
    `ROLLBACK TO SAVEPOINT ${name}`,
  ] as const
  await query(begin)
  try {
    const result = await work({
      query,
      transaction: (inner) => within(client, connection, inner, savepoint, depth + 1),
      close: async () => {},
    })
    await query(commit)
    return result
  } catch (error) {
    await query(rollback)
    throw error
  }
}

/** Queries of Sluice itself, which must not go through the adapter. */
function connectionTo(pool: Pool): Connection {
  return {
    dialect: 'mysql',
    async query(sql, params = []) {
      const [rows] = await pool.query<RowDataPacket[]>(sql, params as QueryValues)
      return Array.isArray(rows) ? rows : []
    },
  }
}

/** Code of this library that runs one query for all keys of a loop. */
function fix({ table, keys, conditions, columns, order, isLimited }: EqualitySelect): string | undefined {
  const [key, ...others] = keys
  if (key === undefined || others.length > 0 || conditions.length > 0 || columns.length === 0)
    return undefined
  // With an order, a limit selects some rows of each key.
  if (order.length > 0 && isLimited) return undefined
  const names = new Set(columns.map(({ path }) => path.join('.')))
  if (![...names].some((name) => name.endsWith('*'))) names.add(key.join('.'))
  const sql = `SELECT ${[...names].join(', ')} FROM ${table.path.join('.')} WHERE ${key.join('.')} IN (?)`
  return `db.query('${sql}', [keys])`
}
