import type { Connection, Dialect } from '@sluice/core'
import { type ClientInternals, rowsOf } from './internals.ts'

/** Does work on one connection of a client's pool, by statements that nobody observes. */
export async function openConnection<T>(
  client: ClientInternals,
  base: ClientInternals,
  dialect: Dialect,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await client.acquireConnection()
  try {
    return await work(over(connection, client, base, dialect))
  } finally {
    await client.releaseConnection(connection)
  }
}

/** A client's pool as a connection: each query on any of its connections. A session has one that is closed after it. */
export function ownConnection(client: ClientInternals, base: ClientInternals, dialect: Dialect): Connection {
  return {
    dialect,
    query: (sql, params) => openConnection(client, base, dialect, (connection) => connection.query(sql, params)),
    session: (work) => openSession(client, base, dialect, work),
  }
}

async function openSession<T>(
  client: ClientInternals,
  base: ClientInternals,
  dialect: Dialect,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  // A SQLite database may live in the one connection of its pool.
  if (dialect === 'sqlite') return openConnection(client, base, dialect, work)
  const connection = await client.acquireRawConnection()
  try {
    return await work(over(connection, client, base, dialect))
  } finally {
    await client.destroyRawConnection(connection)
  }
}

function over(connection: object, client: ClientInternals, base: ClientInternals, dialect: Dialect): Connection {
  return {
    dialect,
    query: async (sql, bindings = []) => rowsOf((await base._query.call(client, connection, { sql, bindings, method: 'raw' })).response),
  }
}
