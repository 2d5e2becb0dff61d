import type { CacheEfficiency, CacheStats, TieredStats } from '@sluice/core'

/** `GET api/cache`: does it pay? `null` in its place: the cache is off. */
export interface CachePage {
  readonly stats: CacheStats
  readonly efficiency: CacheEfficiency
  /** The app's own values. */
  readonly tiered: TieredStats
  /** Absolute numbers, since the app was started: a share says nothing without them. */
  readonly operations: number
  /** Reads that were answered from the cache, by another's query, and by what was asked ahead. */
  readonly answered: number
  readonly merged: number
  readonly prefetched: number
  /** What reached the database all the same. */
  readonly queries: number
  /** Why operations were left as they are, the most frequent first. */
  readonly passedThrough: readonly { readonly reason: string; readonly count: number }[]
  /** Whether results are kept in the present mode. */
  readonly isKeeping: boolean
}
