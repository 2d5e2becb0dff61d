import type { ReplicaTarget } from '../../pipeline/read-routing.ts'
import type { Connection, PoolState } from '../../schema/connection.ts'
import type { PoolWaits } from '../pool-waits.ts'
import type { ReplicaDriver } from '../replica-connections.ts'
import { sending } from '../sending.ts'
import { type Mysql2Answer, type Mysql2Object, send } from './mysql2-call.ts'
import { type PoolReplicas, timeRequests } from './pool.ts'

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
    const sent = sending({ send: () => send(target, 'callbacks', 'query', [plain]) })
    const [rows] = (await sent) as Mysql2Answer
    return Array.isArray(rows) ? (rows as readonly Readonly<Record<string, unknown>>[]) : []
  }
}

type Callback = (...args: unknown[]) => unknown

/** The members of a pool of `mysql2` that contain its connections and callers. */
interface Mysql2PoolQueues {
  readonly config: { readonly connectionLimit: number }
  readonly _allConnections: { readonly length: number }
  readonly _freeConnections: { readonly length: number }
  readonly _connectionQueue: { readonly length: number }
  getConnection: Callback
}

function queuesOf(pool: object): Mysql2PoolQueues | undefined {
  const queues = pool as Partial<Mysql2PoolQueues>
  const { config, _allConnections: all, _freeConnections: free, _connectionQueue: waiting } = queues
  // A limit of 0 means none.
  const counts = [config?.connectionLimit || undefined, all?.length, free?.length, waiting?.length]
  return counts.every((count) => typeof count === 'number') ? (queues as Mysql2PoolQueues) : undefined
}

function stateOf({
  config,
  _allConnections: all,
  _freeConnections: free,
  _connectionQueue: waiting,
}: Mysql2PoolQueues): PoolState {
  return {
    min: 0,
    max: config.connectionLimit,
    used: all.length - free.length,
    idle: free.length,
    waiting: waiting.length,
  }
}

/**
 * Reads the state of a pool of `mysql2`. Does not keep the pool alive. `undefined`: the pool has no limit, or
 * does not expose its state. Sluice does not change the limit, because `mysql2` closes no excess connections.
 */
export function mysql2PoolState(pool: object): (() => PoolState | undefined) | undefined {
  if (queuesOf(pool) === undefined) return undefined
  const held = new WeakRef(pool)
  return () => {
    const living = held.deref()
    const queues = living && queuesOf(living)
    return queues && stateOf(queues)
  }
}

/** Measures how long callers of `getConnection` wait; `query` and `execute` call it, too. */
export function timeMysql2Requests(pool: object, waits: PoolWaits): () => void {
  const queues = queuesOf(pool)
  return queues === undefined ? () => {} : timeRequests(queues, 'getConnection', () => stateOf(queues), waits)
}

/** The connections with callbacks of the replicas' pools. */
export function mysql2ReplicaDriver({ pools }: PoolReplicas): ReplicaDriver<Mysql2Object> {
  const close = (connection: Mysql2Object) => void (connection.destroy as () => void)()
  return {
    async acquire(index) {
      const pool = coreOf(pools[index]?.client as Mysql2Object)
      const [connection] = (await send(pool, 'callbacks', 'getConnection', [])) as [Mysql2Object]
      return connection
    },
    release: (connection) => void (connection.release as () => void)(),
    query: (connection, sql) => mysql2Query(connection)(sql),
    abandon: close,
  }
}

export function mysql2ReplicaTargets({ pools }: PoolReplicas): readonly ReplicaTarget[] {
  return pools.map(({ client, ...place }) => {
    const pool = coreOf(client as Mysql2Object)
    const { host, port } = defaultsOf(pool)
    return {
      ...(typeof host === 'string' && { host, port: Number(port ?? 3306) }),
      ...place,
      connection: () => ({ dialect: 'mysql', query: mysql2Query(pool) }),
    }
  })
}
