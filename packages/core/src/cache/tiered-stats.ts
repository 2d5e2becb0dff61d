/** What became of requests for values. Counters since it was made. */
export interface TieredStats {
  /** Requests answered by a kept value, of this process's memory or of the store. */
  readonly hits: number
  /** Those of them that were answered from the store. */
  readonly storeHits: number
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
    staleHits: 0,
    graceHits: 0,
    joined: 0,
    loads: 0,
    loadErrors: 0,
    earlyRefreshes: 0,
    refreshErrors: 0,
    blocked: 0,
    overtaken: 0,
    unpermitted: 0,
    unknownTables: 0,
    stored: 0,
    unstorable: 0,
    unreadable: 0,
    storeErrors: 0,
  }
}
