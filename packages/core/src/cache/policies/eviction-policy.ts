import type { CacheKey, StoredValue } from '../cache-entry.ts'

/**
 * The entries of one namespace. All shelves of a cache belong to one policy, which ranks their entries together. A policy knows
 * nothing of budgets and times: the engine asks it for victims and removes what has expired.
 */
export interface Shelf {
  readonly size: number
  /** The entry, if there is one. Counts as a read for the ranking, not in the entry's own figures; makes no objects. */
  read(key: string): StoredValue | undefined
  /** The entry, if there is one, as if nobody had looked. */
  peek(key: string): StoredValue | undefined
  /**
   * Adds an entry whose key is not there.
   *
   * @param predecessor - What `remove` gave back for the same key when this entry replaces another: the ranking that the
   *   predecessor had earned goes on.
   * @returns the entry as it is kept from now on, which may be another object than the given one.
   */
  add(key: string, entry: StoredValue, predecessor?: StoredValue): StoredValue
  /** Takes an entry away and returns it. */
  remove(key: string): StoredValue | undefined
  /** Every entry. Entries may be added and removed on the way. */
  entries(): IterableIterator<readonly [string, StoredValue]>
}

/** Decides who leaves when the budget is full. */
export interface EvictionPolicy {
  /** What an entry takes besides key and value, in bytes: its record, its slot in the hash table, its place in the ranking. */
  readonly entryBytes: number
  createShelf(namespace: string): Shelf
  /**
   * Names the entry that has to leave now; the caller removes it before it asks again.
   *
   * @throws RangeError when no shelf holds anything.
   */
  victim(): CacheKey
}
