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

function over(connection: object, client: ClientInternals, base: ClientInternals, dialect: Dialect): Connection {
  return {
    dialect,
    query: async (sql, bindings = []) => rowsOf((await base._query.call(client, connection, { sql, bindings, method: 'raw' })).response),
  }
}
