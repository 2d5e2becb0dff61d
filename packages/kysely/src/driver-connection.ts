import type { Connection, Dialect } from '@sluice/core'
import { sending } from '@sluice/core/adapter'
import type { Taken } from './connection-stand-in.ts'
import { rawQuery } from './raw-query.ts'

/** The database without Sluice, through connections of the app's driver. */
export function driverConnection(take: () => Promise<Taken>, dialect: Dialect): Connection {
  const using = async <T>(work: (query: Connection['query']) => Promise<T>): Promise<T> => {
    const { connection, release } = await take()
    try {
      return await work(async (sql, params = []) => {
        const send = () => connection.executeQuery(rawQuery(sql, [...params]))
        const { rows } = await sending({ send })
        return rows as readonly Readonly<Record<string, unknown>>[]
      })
    } finally {
      await release()
    }
  }
  return {
    dialect,
    query: (sql, params) => using((query) => query(sql, params)),
    // Sessions of MySQL cannot be reset by a statement.
    ...(dialect !== 'mysql' && { session: (work) => using((query) => ownSession(work, query, dialect)) }),
  }
}

async function ownSession<T>(
  work: (session: Connection) => Promise<T>,
  query: Connection['query'],
  dialect: Dialect,
): Promise<T> {
  const session: Connection = { dialect, query, session: (inner) => inner(session) }
  try {
    return await work(session)
  } finally {
    if (dialect === 'postgresql') await query('DISCARD ALL')
  }
}
