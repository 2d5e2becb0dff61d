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
    // The pool's own type parser must not convert them.
    const plain = { sql, values, rowsAsArray: false, typeCast: (_: unknown, next: () => unknown) => next() }
    const [rows] = (await send(target, 'callbacks', 'query', [plain])) as Mysql2Answer
    return Array.isArray(rows) ? (rows as readonly Readonly<Record<string, unknown>>[]) : []
  }
}
