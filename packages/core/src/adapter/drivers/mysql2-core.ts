import type { Connection } from '../../schema/connection.ts'
import { type Mysql2Answer, type Mysql2Object, send } from './mysql2-call.ts'

/** The pool with callbacks, which a pool with promises uses. */
export function coreOf(pool: Mysql2Object): Mysql2Object {
  return typeof pool.promise === 'function' ? pool : ((pool.pool ?? {}) as Mysql2Object)
}

export function isCorePool(pool: Mysql2Object): boolean {
  return (
    ['query', 'execute', 'getConnection', 'promise'].every((name) => typeof pool[name] === 'function') &&
    typeof defaultsOf(pool) === 'object'
  )
}

interface ConnectionOptions {
  readonly rowsAsArray?: unknown
  readonly host?: unknown
  readonly port?: unknown
}

/** The options of the pool's connections. */
export function defaultsOf(pool: Mysql2Object): ConnectionOptions {
  return (pool.config as { readonly connectionConfig: ConnectionOptions } | undefined)
    ?.connectionConfig as ConnectionOptions
}

/** Queries of Sluice itself on a pool or a connection with callbacks. */
export function mysql2Query(target: Mysql2Object): Connection['query'] {
  return async (sql, values = []) => {
    // The pool's own options must not change their form.
    const form = {
      rowsAsArray: false,
      nestTables: false,
      typeCast: (_: unknown, next: () => unknown) => next(),
    }
    const plain = { sql, values, ...form }
    const [rows] = (await send(target, 'callbacks', 'query', [plain])) as Mysql2Answer
    return Array.isArray(rows) ? (rows as readonly Readonly<Record<string, unknown>>[]) : []
  }
}
