import type { PoolState } from '../../schema/connection.ts'
import { timeRequests } from './timed-requests.ts'

/** The documented members of a pool of `pg` that Sluice uses. */
export interface PgPoolCounts {
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
  readonly options: { readonly min?: unknown; max: number }
  connect(...args: unknown[]): unknown
}

export function isPgPool(pool: object | undefined): pool is PgPoolCounts {
  const { connect, totalCount, idleCount, waitingCount, options } = (pool ?? {}) as Partial<PgPoolCounts>
  return (
    typeof connect === 'function' &&
    [totalCount, idleCount, waitingCount, options?.max].every((value) => typeof value === 'number')
  )
}

function pgPoolState({
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
 * Reads the state of a pool, and changes its maximum: `pg` reads it for each request, and closes excess
 * connections once they are idle. Does not keep the pool alive.
 */
export function pgPoolAccess(pool: PgPoolCounts): {
  readonly pool: () => PoolState | undefined
  readonly resizePool: (max: number) => void
} {
  const held = new WeakRef(pool)
  return {
    pool: () => {
      const living = held.deref()
      return living && pgPoolState(living)
    },
    resizePool: (max) => {
      const living = held.deref()
      if (living !== undefined) living.options.max = max
    },
  }
}

/** Measures how long callers of `pool.connect` wait; `pool.query` calls it, too. */
export function timePgConnects(
  pool: PgPoolCounts,
  waited: (ms: number, wasExhausted: boolean) => void,
  now: () => number,
): () => void {
  return timeRequests(pool, 'connect', () => pgPoolState(pool), waited, now)
}
