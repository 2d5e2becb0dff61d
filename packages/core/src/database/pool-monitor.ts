import type { PoolState } from '../schema/connection.ts'
import { DATABASE_BOUNDS_MS, DurationHistogram } from '../shared/histogram.ts'
import type { ObservedPool } from './checks/pools.ts'

/** Reads the state of a pool; `undefined` when it no longer exists. */
export type PoolReader = () => PoolState | undefined

/** A pool, and how long its callers waited for a connection, where that is seen. */
export interface MeteredPool extends ObservedPool {
  readonly waits: DurationHistogram
}

interface Pool {
  readonly read: PoolReader
  mostUsed: number
  mostWaiting: number
  readonly waits: DurationHistogram
}

/** Maximum number of observed pools; above it, the newest ones. */
const MAX_POOLS = 64

/** Reads the pools at intervals while statements are sent. */
export class PoolMonitor {
  readonly #pools = new Map<string, Pool>()

  constructor(private readonly onError: (error: unknown) => void) {}

  attach(name: string, read: PoolReader): void {
    this.#pools.delete(name)
    this.#pools.set(name, {
      read,
      mostUsed: 0,
      mostWaiting: 0,
      waits: new DurationHistogram(DATABASE_BOUNDS_MS),
    })
    const [oldest] = this.#pools.keys()
    if (this.#pools.size > MAX_POOLS && oldest !== undefined) this.#pools.delete(oldest)
  }

  detach(name: string): void {
    this.#pools.delete(name)
  }

  /** Callers have got a connection, or were refused one, each after some time. */
  waited(name: string, ms: number, count: number): void {
    this.#pools.get(name)?.waits.add(ms, count)
  }

  /** Remembers how much the pools are used. */
  sample(): void {
    for (const pool of this.#pools.values()) this.#read(pool)
  }

  /** All pools. */
  pools(): MeteredPool[] {
    return [...this.#pools].flatMap(([name, pool]) => {
      const now = this.#read(pool)
      return now === undefined
        ? []
        : [{ name, now, mostUsed: pool.mostUsed, mostWaiting: pool.mostWaiting, waits: pool.waits }]
    })
  }

  #read(pool: Pool): PoolState | undefined {
    try {
      const state = pool.read()
      if (state === undefined) return undefined
      if (state.used > pool.mostUsed) pool.mostUsed = state.used
      if (state.waiting > pool.mostWaiting) pool.mostWaiting = state.waiting
      return state
    } catch (error) {
      this.onError(error)
      return undefined
    }
  }
}
