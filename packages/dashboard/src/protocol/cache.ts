import type { CacheEfficiency, CacheStats, TieredStats } from '@sluice/core'

/** `GET api/cache`; `null` if the cache is disabled. */
export interface CachePage {
  readonly stats: CacheStats
  readonly efficiency: CacheEfficiency
  /** Requests for cached query results. */
  readonly results: TieredStats
  /** Requests for the app's values, from `sluice.tiered`. */
  readonly tiered: TieredStats
  /** Operations since startup, as the base of the other counters. */
  readonly operations: number
  /** Reads that were served from the cache, batched with another query, or prefetched. */
  readonly cacheHits: number
  readonly batched: number
  readonly prefetched: number
  /** Queries that were sent to the database. */
  readonly queries: number
  /** Operations that were passed through, by reason, most frequent first. */
  readonly passedThrough: readonly {
    readonly reason: string
    readonly text: string
    readonly count: number
  }[]
  /** Whether query results are cached in the current mode. */
  readonly isKeeping: boolean
}
