import type { CacheKey, StoredValue } from '../cache-entry.ts'

/** An entry that policies rank directly: it contains its own name. */
export class RankedEntry implements StoredValue {
  readonly value: unknown
  readonly expires: number
  readonly size: number
  hits: number
  lastAccess: number

  constructor(
    readonly namespace: string,
    readonly key: string,
    { value, expires, size, hits, lastAccess }: StoredValue,
  ) {
    this.value = value
    this.expires = expires
    this.size = size
    this.hits = hits
    this.lastAccess = lastAccess
  }
}

/**
 * Ranks the entries of all namespaces together, and selects the entry to evict when the budget is exceeded.
 * It does not watch budgets and times: the engine requests victims and removes expired entries.
 */
export interface EvictionPolicy<TEntry extends RankedEntry = RankedEntry> {
  /**
   * Size of an entry besides its key and value, in bytes: its record, its slot in the hash table, its place
   * in the ranking.
   */
  readonly entryBytes: number
  /**
   * The entry to evict now. The caller removes it before it requests the next one.
   *
   * @throws RangeError if there is none.
   */
  victim(): CacheKey
  /**
   * Creates the record of a new entry and ranks it. The predecessor is no longer ranked, but its record
   * contains its rank.
   */
  admit(namespace: string, key: string, entry: StoredValue, predecessor: TEntry | undefined): TEntry
  /** An entry was read. */
  wasRead(entry: TEntry): void
  /** An entry was removed. */
  forget(entry: TEntry): void
  /** The budget is different from now on. For policies that divide it. */
  resize?(maxBytes: number): void
}
