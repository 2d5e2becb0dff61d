interface SqlQuery {
  readonly sql: string
}

/** How Sluice reads the catalog. */
const OWN = /pg_catalog|information_schema|pragma_|@@/

/**
 * Wraps a driver adapter (or a connection or transaction of one) so that `onSql` gets each statement of the
 * app before it runs.
 */
export function watchStatements<T extends object>(adapter: T, onSql: (sql: string) => void): T {
  return new Proxy(adapter, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name === 'queryRaw' || name === 'executeRaw') {
        return (query: SqlQuery) => {
          if (!OWN.test(query.sql)) onSql(query.sql)
          return value.call(target, query)
        }
      }
      if (name === 'connect' || name === 'startTransaction') {
        return async (...args: unknown[]) =>
          watchStatements((await value.apply(target, args)) as object, onSql)
      }
      return value.bind(target)
    },
  })
}
