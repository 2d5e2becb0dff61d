/** What the engine has counted since it was made. `clear` empties the cache and keeps the counters. */
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
  /** Entries that left to make room. */
  readonly evictions: number
  /** Entries that left because their time was over. */
  readonly expirations: number
  /** Values that were refused because they were larger than one entry may be. */
  readonly rejected: number
  /** Invalidation rules that threw or returned something else than patterns and keys. */
  readonly ruleErrors: number
  /** Mean time of a `get` in milliseconds, from a sample of one in 256. */
  readonly averageAccessTimeMs: number
}

/** How well the memory is spent. */
export interface CacheEfficiency {
  /** Share of the used memory that is held by entries which were read at least once, 0–1; 0 when empty. */
  readonly memoryEfficiency: number
  /** Hits of the present entries per byte of used memory; 0 when empty. */
  readonly hitsPerByte: number
  /** Hits per read by namespace, 0–1, for the namespaces that were read. */
  readonly hitRateByNamespace: Readonly<Record<string, number>>
  /** Entries that no read has asked for yet. */
  readonly entriesNeverHit: number
}

/** What became of requests for values. Counters since it was made. */
export interface TieredStats {
  /** Requests answered by a kept value, of this process's memory or of the store. */
  readonly hits: number
  /** Those of them that were answered from the store. */
  readonly storeHits: number
  /** Those of them for which only the entry was read: this process knew the state of its tags. */
  readonly knownHits: number
  /** Those of them that were stale and were refreshed beside. */
  readonly staleHits: number
  /** Requests answered by a stale value because loading failed or took too long. */
  readonly graceHits: number
  /** Requests answered by another's load. */
  readonly joined: number
  /** Times that a source was asked. */
  readonly loads: number
  readonly loadErrors: number
  /** Values that were refreshed before they were stale. */
  readonly earlyRefreshes: number
  /** Refreshes beside a request that failed. */
  readonly refreshErrors: number
  /** Requests that asked their source because a write of this process was under way. */
  readonly blocked: number
  /** Values that were not kept because a write overtook them. */
  readonly overtaken: number
  /** Values that were not kept because the app changed the query after it was issued, so that another one was sent. */
  readonly strayed: number
  /** Loads whose value was not kept because the store did not permit it: a write is under way, its state was lost, or it does not answer. */
  readonly unpermitted: number
  /** Requests of the app's own for values that depend on tables, when no catalogue was known: they are not kept. */
  readonly unknownTables: number
  /** Values that were given to the store. */
  readonly stored: number
  /** Values that the store could not keep exactly. */
  readonly unstorable: number
  /** Entries of the store that could not be read. */
  readonly unreadable: number
  /** Times that the store failed to answer. */
  readonly storeErrors: number
}

export type TieredCounters = { -readonly [K in keyof TieredStats]: TieredStats[K] }

export function newCounters(): TieredCounters {
  return {
    hits: 0,
    storeHits: 0,
    knownHits: 0,
    staleHits: 0,
    graceHits: 0,
    joined: 0,
    loads: 0,
    loadErrors: 0,
    earlyRefreshes: 0,
    refreshErrors: 0,
    blocked: 0,
    overtaken: 0,
    strayed: 0,
    unpermitted: 0,
    unknownTables: 0,
    stored: 0,
    unstorable: 0,
    unreadable: 0,
    storeErrors: 0,
  }
}
