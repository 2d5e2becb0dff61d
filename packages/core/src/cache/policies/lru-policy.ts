import { LRUCache } from 'lru-cache'
import { type HeapItem, PlacedHeap } from '../../shared/heap.ts'
import type { CacheKey, StoredValue } from '../cache-entry.ts'
import type { EvictionPolicy, Shelf } from './eviction-policy.ts'

/** The list evicts nothing by itself, but wants a limit. */
const UNLIMITED = { maxSize: Number.MAX_SAFE_INTEGER, sizeCalculation: (): number => 1 }
/** Shared, because a list that is given no options makes an object for them at every read. */
const NO_OPTIONS = {}

/**
 * Evicts the entry read longest ago. Each namespace is an `lru-cache` of its own: two lookups with the caller's own strings are
 * quicker than one with a string that has to be joined and hashed for every read. Across namespaces recency is compared to the
 * millisecond.
 */
export class LruPolicy implements EvictionPolicy {
  readonly entryBytes = 168
  readonly #shelves = new PlacedHeap<LruShelf>((first, second) => first.notBefore < second.notBefore)

  createShelf(namespace: string): Shelf {
    return new LruShelf(namespace, this.#shelves)
  }

  victim(): CacheKey {
    // A shelf's bound only grows, so the first one to be found exact is the least of all.
    for (;;) {
      const shelf = this.#shelves.peek()
      const next = shelf?.entries().next()
      if (shelf === undefined || next === undefined || next.done) throw new RangeError('there is nothing to evict')
      const [key, { lastAccess }] = next.value
      if (lastAccess <= shelf.notBefore) return { namespace: shelf.namespace, key }
      shelf.notBefore = lastAccess
      this.#shelves.update(shelf)
    }
  }
}

class LruShelf implements Shelf, HeapItem {
  readonly #list = new LRUCache<string, StoredValue>(UNLIMITED)
  place = 0
  /** No entry here was read before this time; the true bound may be later. */
  notBefore = 0

  constructor(
    readonly namespace: string,
    private readonly shelves: PlacedHeap<LruShelf>,
  ) {}

  get size(): number {
    return this.#list.size
  }

  read(key: string): StoredValue | undefined {
    return this.#list.get(key, NO_OPTIONS)
  }

  peek(key: string): StoredValue | undefined {
    return this.#list.peek(key, NO_OPTIONS)
  }

  add(key: string, entry: StoredValue): StoredValue {
    if (this.#list.size === 0) {
      this.notBefore = entry.lastAccess
      this.shelves.add(this)
    }
    this.#list.set(key, entry)
    return entry
  }

  remove(key: string): StoredValue | undefined {
    const entry = this.peek(key)
    if (entry === undefined) return undefined
    this.#list.delete(key)
    if (this.#list.size === 0) this.shelves.remove(this)
    return entry
  }

  entries(): IterableIterator<readonly [string, StoredValue]> {
    return this.#list.rentries() as IterableIterator<[string, StoredValue]>
  }
}
