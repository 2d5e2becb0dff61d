import { isPoolExhausted, type PoolState } from '../../schema/connection.ts'

/** The documented members of a pool of `pg` that Sluice reads. */
export interface PgPoolCounts {
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
  readonly options: { readonly min?: unknown; readonly max: number }
  connect(...args: unknown[]): unknown
}

type Callback = (...args: unknown[]) => unknown

export function isPgPool(pool: object | undefined): pool is PgPoolCounts {
  const { connect, totalCount, idleCount, waitingCount, options } = (pool ?? {}) as Partial<PgPoolCounts>
  return (
    typeof connect === 'function' &&
    [totalCount, idleCount, waitingCount, options?.max].every((value) => typeof value === 'number')
  )
}

export function pgPoolState({
  totalCount,
  idleCount,
  waitingCount,
  options: { min, max },
}: PgPoolCounts): PoolState {
  return {
    min: typeof min === 'number' ? min : 0,
    max,
    used: totalCount - idleCount,
    idle: idleCount,
    waiting: waitingCount,
  }
}

/**
 * Measures how long callers of `pool.connect` wait; `pool.query` calls it, too. Replaces the method on this
 * one pool.
 *
 * @returns The function that restores it, unless it was replaced again meanwhile.
 */
export function timePgConnects(
  pool: PgPoolCounts,
  waited: (ms: number, wasExhausted: boolean) => void,
  now: () => number,
): () => void {
  const { connect } = pool
  const isOwn = Object.hasOwn(pool, 'connect')
  let isWatching = true
  const timed = function (this: PgPoolCounts, ...args: unknown[]): unknown {
    if (!isWatching) return connect.apply(this, args)
    const wasExhausted = isPoolExhausted(pgPoolState(pool))
    const startedAt = now()
    const ended = () => waited(now() - startedAt, wasExhausted)
    const [callback, ...rest] = args
    if (typeof callback === 'function') {
      const told: Callback = (...results) => {
        ended()
        return (callback as Callback)(...results)
      }
      return connect.call(this, told, ...rest)
    }
    const connecting = connect.apply(this, args)
    if (connecting instanceof Promise) connecting.then(ended, ended)
    return connecting
  }
  pool.connect = timed
  return () => {
    isWatching = false
    if (pool.connect !== timed) return
    if (isOwn) pool.connect = connect
    else delete (pool as { connect?: unknown }).connect
  }
}
