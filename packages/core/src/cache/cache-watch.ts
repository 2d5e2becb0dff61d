import type { CacheKey, StoredValue } from './cache-entry.ts'

/** Sees what an in-process cache is used for. Times are as in `StoredValue`. */
export interface CacheWatch {
  /** @param stored - The entry that was returned; `undefined` for a miss. */
  read(namespace: string, key: string, stored: StoredValue | undefined, now: number): void
  /** A value is set, whether or not the cache accepts it. */
  set(namespace: string, key: string, entry: StoredValue, now: number): void
  /** One key, or the keys that match a pattern. */
  invalidated(target: CacheKey | string): void
  clear(namespace: string | undefined): void
}
