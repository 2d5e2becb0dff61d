import type { DatabaseConnection, Dialect } from 'kysely'
import { type OnSent, readsCatalog } from './on-sent.ts'

/** Reports the app's statements on the connections of a dialect's driver. */
export function watchedDialect(dialect: Dialect, onSent: OnSent): Dialect {
  const watched = new WeakSet<DatabaseConnection>()
  const sent = ({
    sql,
    parameters = [],
  }: {
    readonly sql: string
    readonly parameters?: readonly unknown[]
  }) => {
    if (!readsCatalog(sql)) onSent(sql, parameters.length)
  }
  return {
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver() {
      const driver = dialect.createDriver()
      const acquire = driver.acquireConnection.bind(driver)
      driver.acquireConnection = async (options) => {
        const connection = await acquire(options)
        if (watched.has(connection)) return connection
        watched.add(connection)
        const [execute, stream] = [connection.executeQuery, connection.streamQuery]
        connection.executeQuery = (query, ...rest) => {
          sent(query)
          return execute.call(connection, query, ...rest) as never
        }
        connection.streamQuery = (query, ...rest) => {
          sent(query)
          return stream.call(connection, query, ...rest) as never
        }
        return connection
      }
      return driver
    },
  }
}
