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
