import type { PoolState } from '../schema/connection.ts'
import type { Clock } from '../shared/clock.ts'
import { DATABASE_BOUNDS_MS, DurationHistogram } from '../shared/histogram.ts'
import type { Mutable } from '../shared/mutable.ts'
import type { PoolWaits } from '../shared/pool-size.ts'
import { LONG_POOL_WAIT_MS, LONG_POOL_WAIT_SHARE } from '../shared/thresholds.ts'
import type { ObservedPool } from './checks/pools.ts'

/** Reads the state of a pool; `undefined` when it no longer exists. */
export type PoolReader = () => PoolState | undefined

/** Changes the maximum of a pool. */
export type PoolResizer = (max: number) => void

/**
 * Requests for a connection since a pool was attached. Waits are those because all connections were in use.
 */
export interface PoolRequests {
  readonly count: number
  /** Sum of the waits in milliseconds, and of their squares. */
  readonly waitedMs: number
  readonly squares: number
  /** Requests that waited for `LONG_POOL_WAIT_MS` or longer. */
  readonly long: number
}

/** A pool, and how long its callers waited for a connection, where that is seen. */
export interface MeteredPool extends ObservedPool {
  readonly waits: DurationHistogram
  readonly requests: PoolRequests
  /** The waits of the last 5 minutes; `undefined` if the pool does not measure them. */
  readonly recent: PoolWaits | undefined
  /** `undefined` if its maximum cannot be changed. */
  readonly resize: PoolResizer | undefined
}

interface Pool {
  readonly read: PoolReader
  readonly resize: PoolResizer | undefined
  readonly requests: Mutable<PoolRequests>
  /** Earlier states of `requests`, the oldest first. */
  readonly windows: PoolWindow[]
  mostUsed: number
  mostWaiting: number
  readonly waits: DurationHistogram
}

/** Requests up to a time. */
export interface PoolWindow {
  readonly at: number
  readonly requests: PoolRequests
}

/** Waits in a period. */
export interface PeriodWaits extends PoolWaits {
  readonly perSecond: number
  /** Square of the standard error of the mean. */
  readonly error: number
}

/** Returns the waits since a window. */
export function waitsSince(
  { at, requests: before }: PoolWindow,
  now: PoolRequests,
  time: number,
): PeriodWaits {
  const requests = now.count - before.count
  const many = Math.max(1, requests)
  const meanMs = (now.waitedMs - before.waitedMs) / many
  const variance = Math.max(0, (now.squares - before.squares) / many - meanMs ** 2)
  // The share of long waits is known, and not how long these are.
  const isLong = (now.long - before.long) / many >= LONG_POOL_WAIT_SHARE
  return {
    periodMs: time - at,
    requests,
    meanMs,
    p95Ms: isLong ? LONG_POOL_WAIT_MS : 0,
    perSecond: (requests * 1_000) / (time - at),
    error: variance / many,
  }
}

const RECENT_MS = 300_000
/** Milliseconds between the beginnings of windows. */
const WINDOW_MS = 30_000

const MAX_POOLS = 64

/** Reads the pools at intervals while statements are sent. */
export class PoolMonitor {
  readonly #pools = new Map<string, Pool>()

  constructor(
    private readonly clock: Clock,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** @param resize - Omitted if the maximum of the pool cannot be changed. */
  attach(name: string, read: PoolReader, resize?: PoolResizer): void {
    this.#pools.delete(name)
    this.#pools.set(name, {
      read,
      resize,
      requests: { count: 0, waitedMs: 0, squares: 0, long: 0 },
      windows: [{ at: this.clock.now(), requests: { count: 0, waitedMs: 0, squares: 0, long: 0 } }],
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

  /**
   * Callers have got a connection, or were refused one, each after some time.
   *
   * @param wasExhausted - Whether they waited because all connections were in use.
   */
  waited(name: string, ms: number, wasExhausted: boolean, count: number): void {
    const pool = this.#pools.get(name)
    if (pool === undefined) return
    pool.waits.add(ms, count)
    const { requests } = pool
    requests.count += count
    if (!wasExhausted) return
    requests.waitedMs += ms * count
    requests.squares += ms * ms * count
    if (ms >= LONG_POOL_WAIT_MS) requests.long += count
  }

  /** Remembers how much the pools are used. */
  sample(): void {
    for (const pool of this.#pools.values()) this.#read(pool)
  }

  /** All pools. */
  pools(): MeteredPool[] {
    return [...this.#pools.keys()].flatMap((name) => this.pool(name) ?? [])
  }

  /** One pool; `undefined` if it does not exist. */
  pool(name: string): MeteredPool | undefined {
    const pool = this.#pools.get(name)
    // The reader may report waits that were only counted until now.
    const now = pool && this.#read(pool)
    if (pool === undefined || now === undefined) return undefined
    const { mostUsed, mostWaiting, waits, requests, resize } = pool
    const recent = this.#recent(pool)
    return { name, now, mostUsed, mostWaiting, waits, requests, recent, resize }
  }

  #recent({ windows, requests }: Pool): PoolWaits | undefined {
    const [oldest] = windows
    return requests.count === 0 || oldest === undefined
      ? undefined
      : waitsSince(oldest, requests, this.clock.now())
  }

  #addWindow({ windows, requests }: Pool): void {
    const now = this.clock.now()
    if (now - (windows.at(-1)?.at ?? 0) < WINDOW_MS) return
    windows.push({ at: now, requests: { ...requests } })
    // The last one that is older stays: the period is to reach back 5 minutes.
    while ((windows[1]?.at ?? now) <= now - RECENT_MS) windows.shift()
  }

  #read(pool: Pool): PoolState | undefined {
    try {
      const state = pool.read()
      if (state === undefined) return undefined
      this.#addWindow(pool)
      if (state.used > pool.mostUsed) pool.mostUsed = state.used
      if (state.waiting > pool.mostWaiting) pool.mostWaiting = state.waiting
      return state
    } catch (error) {
      this.onError(error)
      return undefined
    }
  }
}
