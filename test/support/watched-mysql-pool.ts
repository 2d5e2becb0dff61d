import mysql from 'mysql2'
import { type OnSent, readsCatalog } from './on-sent.ts'

/** A pool of `mysql2` with callbacks and four connections, which reports the app's statements. */
export function watchedMysqlPool(uri: string, onSent: OnSent): mysql.Pool {
  // Drizzle ends the connection of a stream, and `mysql2` warns of that unless it may really end it.
  const pool = mysql.createPool({ uri, connectionLimit: 4, gracefulEnd: true })
  pool.on('connection', (connection) => {
    const query = connection.query.bind(connection) as (...args: readonly unknown[]) => unknown
    Object.assign(connection, {
      query(...args: readonly unknown[]) {
        const [given, second] = args
        const { sql = '', values = second } =
          typeof given === 'string' ? { sql: given } : (given as Partial<mysql.QueryOptions>)
        if (!readsCatalog(sql)) onSent(sql, Array.isArray(values) ? values.length : 0)
        return query(...args)
      },
    })
  })
  return pool
}
