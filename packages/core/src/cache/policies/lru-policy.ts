import type { CacheKey, StoredValue } from '../cache-entry.ts'
import type { EvictionPolicy } from './eviction-policy.ts'
import { LinkedEntry, LinkedList } from './linked-list.ts'

/** Evicts the least recently used entry. */
export class LruPolicy implements EvictionPolicy<LinkedEntry> {
  readonly entryBytes = 184
  readonly #list = new LinkedList()

  victim(): CacheKey {
    const { first } = this.#list
    if (first === undefined) throw new RangeError('nothing can be evicted')
    return first
  }

  admit(namespace: string, key: string, entry: StoredValue): LinkedEntry {
    const ranked = new LinkedEntry(namespace, key, entry, 0)
    this.#list.push(ranked)
    return ranked
  }

  wasRead(entry: LinkedEntry): void {
    this.#list.remove(entry)
    this.#list.push(entry)
  }

  forget(entry: LinkedEntry): void {
    this.#list.remove(entry)
  }
}
