import type { PoolState } from '../../schema/connection.ts'
import { timeRequests } from './timed-requests.ts'

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
export function timeMysql2Requests(
  pool: object,
  waited: (ms: number, wasExhausted: boolean) => void,
  now: () => number,
): () => void {
  const queues = queuesOf(pool)
  return queues === undefined
    ? () => {}
    : timeRequests(queues, 'getConnection', () => stateOf(queues), waited, now)
}
