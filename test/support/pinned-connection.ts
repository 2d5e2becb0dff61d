import type { Connection } from '@sluice/core'
import openSqlite from 'better-sqlite3'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import type { Database } from './database.ts'

/** One more connection to a database of the tests, with a separate session. */
export interface PinnedConnection extends Connection {
  session<T>(work: (session: Connection) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export async function pinnedConnection({ dialect, url, filename = '' }: Database): Promise<PinnedConnection> {
  if (dialect === 'postgresql') {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const query: Connection['query'] = async (sql, params = []) =>
      (await client.query<Record<string, unknown>>(sql, [...params])).rows
    return pinned({ dialect, query }, () => client.end())
  }
  if (dialect === 'mysql') {
    const client = await createConnection({ uri: url })
    const query: Connection['query'] = async (sql, params = []) => {
      const [rows] = await client.query(sql, [...params])
      return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : []
    }
    return pinned({ dialect, query }, () => client.end())
  }
  const file = openSqlite(filename, { timeout: 50 })
  const query: Connection['query'] = async (sql, params = []) => {
    const statement = file.prepare<unknown[], Record<string, unknown>>(sql)
    if (statement.reader) return statement.all(...params)
    statement.run(...params)
    return []
  }
  return pinned({ dialect, query }, async () => void file.close())
}

function pinned(connection: Connection, close: () => Promise<void>): PinnedConnection {
  return { ...connection, session: (work) => work(connection), close }
}
