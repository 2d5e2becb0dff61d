/** Counters since the engine was created. `clear` empties the cache but does not reset them. */
export interface CacheStats {
  readonly hits: number
  readonly misses: number
  /** Hits per read, 0–1; 0 before the first read. */
  readonly hitRate: number
  readonly itemCount: number
  /** Estimated heap of all entries, in bytes. */
  readonly usedMemory: number
  /** The budget, in bytes. */
  readonly totalMemory: number
  /** Entries that were evicted. */
  readonly evictions: number
  /** Entries that expired. */
  readonly expirations: number
  /**
   * Misses of values that were evicted, and that twice the memory would have kept. Estimated from 1 in 8
   * keys.
   */
  readonly ghostHits: number
  /** Time that loading these values took, in milliseconds, where Sluice loads them. Estimated likewise. */
  readonly ghostLoadMs: number
  /** Values that were rejected because they exceed the maximum size of an entry. */
  readonly rejected: number
  /** Invalidation rules that threw, or returned something other than patterns and keys. */
  readonly ruleErrors: number
  /** Mean time of a `get` in milliseconds, from a sample of 1 in 256. */
  readonly averageAccessTimeMs: number
}

/** Results of a cache size in a period. */
export interface CacheSizing
  extends Pick<
    CacheStats,
    'hits' | 'evictions' | 'ghostHits' | 'ghostLoadMs' | 'usedMemory' | 'totalMemory'
  > {
  /** Milliseconds. */
  readonly periodMs: number
  readonly reads: number
}

/** @param periodMs - Milliseconds between the two. */
export function sizingBetween(from: CacheStats, to: CacheStats, periodMs: number): CacheSizing {
  return {
    periodMs,
    reads: to.hits + to.misses - from.hits - from.misses,
    hits: to.hits - from.hits,
    evictions: to.evictions - from.evictions,
    ghostHits: to.ghostHits - from.ghostHits,
    ghostLoadMs: to.ghostLoadMs - from.ghostLoadMs,
    usedMemory: to.usedMemory,
    totalMemory: to.totalMemory,
  }
}

/** How efficiently the cache uses its memory. */
export interface CacheEfficiency {
  /** Share of the used memory that belongs to entries that were read at least once, 0–1; 0 when empty. */
  readonly memoryEfficiency: number
  /** Hits of the current entries per byte of used memory; 0 when empty. */
  readonly hitsPerByte: number
  /** Hits per read by namespace, 0–1, for the namespaces that were read. */
  readonly hitRateByNamespace: Readonly<Record<string, number>>
  /** Entries that were never read. */
  readonly entriesNeverHit: number
}

/** Counters of requests for values, since the Sluice was created. */
export interface TieredStats {
  /** Requests served from the memory of this process or from the store. */
  readonly hits: number
  /** Hits that were served from the store. */
  readonly storeHits: number
  /**
   * Hits from the store for which only the entry was read, because this process knew the stamps of its tags.
   */
  readonly knownHits: number
  /** Hits with a stale value that was revalidated in the background. */
  readonly staleHits: number
  /** Hits beyond the time to live, with proof that no other process wrote. */
  readonly extendedHits: number
  /** Requests served a stale value because loading failed or took too long. */
  readonly graceHits: number
  /** Requests that shared another request's load in flight (coalesced). */
  readonly coalesced: number
  /** Calls of the source. */
  readonly loads: number
  readonly loadErrors: number
  /** Revalidations before a value was stale. */
  readonly earlyRefreshes: number
  /** Failed background revalidations. */
  readonly refreshErrors: number
  /** Requests that called the source because a write of this process was in flight. */
  readonly blocked: number
  /** Values that were not cached because a concurrent write invalidated them during the load. */
  readonly discardedByWrite: number
  /**
   * Values that were not cached because the app changed the query after it was issued, so that a different
   * one was sent.
   */
  readonly queryChanges: number
  /**
   * Loads whose value was not cached because the store rejected it: a write is in flight, the store lost its
   * state, or it does not respond.
   */
  readonly rejectedByStore: number
  /** Requests for the app's values that depend on tables, before a catalog was known. They are not cached. */
  readonly unknownTables: number
  /** Values sent to the store. */
  readonly stored: number
  /** Values that the store cannot restore exactly. */
  readonly unserializable: number
  /** Store entries that could not be decoded, or were not a possible result of the query. */
  readonly undecodable: number
  /** Failed store calls. */
  readonly storeErrors: number
}

export type TieredCounters = { -readonly [K in keyof TieredStats]: TieredStats[K] }

export function newCounters(): TieredCounters {
  return {
    hits: 0,
    storeHits: 0,
    knownHits: 0,
    staleHits: 0,
    extendedHits: 0,
    graceHits: 0,
    coalesced: 0,
    loads: 0,
    loadErrors: 0,
    earlyRefreshes: 0,
    refreshErrors: 0,
    blocked: 0,
    discardedByWrite: 0,
    queryChanges: 0,
    rejectedByStore: 0,
    unknownTables: 0,
    stored: 0,
    unserializable: 0,
    undecodable: 0,
    storeErrors: 0,
  }
}

/** `0` if the whole is `0`. */
export function ratio(part: number, total: number): number {
  return total === 0 ? 0 : part / total
}
