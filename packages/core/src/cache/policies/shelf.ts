import type { StoredValue } from '../cache-entry.ts'
import type { EvictionPolicy } from './eviction-policy.ts'
import type { RankedEntry } from './ranked-entry.ts'

/**
 * The entries of one namespace. All shelves of a cache share one policy, which ranks their entries together.
 */
export class Shelf {
  readonly #entries = new Map<string, RankedEntry>()

  constructor(
    private readonly namespace: string,
    private readonly policy: EvictionPolicy,
  ) {}

  get size(): number {
    return this.#entries.size
  }

  /**
   * The entry, if there is one. Counts as a read for the ranking, but not in the entry's own counters.
   * Allocates nothing.
   */
  read(key: string): StoredValue | undefined {
    const entry = this.#entries.get(key)
    if (entry !== undefined) this.policy.touch(entry)
    return entry
  }

  /** The entry, if there is one, without counting a read. */
  peek(key: string): StoredValue | undefined {
    return this.#entries.get(key)
  }

  /**
   * Adds an entry whose key does not exist.
   *
   * @param predecessor - The result of `remove` for the same key if this entry replaces another: it inherits
   * the predecessor's rank.
   * @returns The stored entry.
   */
  add(key: string, entry: StoredValue, predecessor?: StoredValue): StoredValue {
    const ranked = this.policy.admit(this.namespace, key, entry, predecessor as RankedEntry | undefined)
    this.#entries.set(key, ranked)
    return ranked
  }

  /** Removes an entry and returns it. */
  remove(key: string): StoredValue | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.policy.forget(entry)
    return entry
  }

  /** Every entry. Entries can be added and removed during the iteration. */
  entries(): IterableIterator<readonly [string, StoredValue]> {
    return this.#entries.entries()
  }
}
