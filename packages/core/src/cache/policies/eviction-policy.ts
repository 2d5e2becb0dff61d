import type { CacheKey, StoredValue } from '../cache-entry.ts'
import type { RankedEntry } from './ranked-entry.ts'

/**
 * Ranks the entries of all namespaces together, and decides which one leaves when the budget is full. It knows nothing of budgets and times:
 * the engine asks it for victims and removes what has expired.
 */
export interface EvictionPolicy<TEntry extends RankedEntry = RankedEntry> {
  /** What an entry takes besides key and value, in bytes: its record, its slot in the hash table, its place in the ranking. */
  readonly entryBytes: number
  /**
   * Names the entry that has to leave now; the caller removes it before it asks again.
   *
   * @throws RangeError when there is none.
   */
  victim(): CacheKey
  /** Makes the record of a new entry and gives it a rank; a predecessor is not ranked any more, but its record tells its rank. */
  admit(namespace: string, key: string, entry: StoredValue, predecessor: TEntry | undefined): TEntry
  /** An entry was read. */
  touch(entry: TEntry): void
  /** An entry left. */
  forget(entry: TEntry): void
}
