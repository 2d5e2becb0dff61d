import type { StoredValue } from '../cache-entry.ts'
import type { EvictionPolicy } from './eviction-policy.ts'
import type { RankedEntry } from './ranked-entry.ts'

/** The entries of one namespace. All shelves of a cache belong to one policy, which ranks their entries together. */
export class Shelf {
  readonly #entries = new Map<string, RankedEntry>()

  constructor(
    private readonly namespace: string,
    private readonly policy: EvictionPolicy,
  ) {}

  get size(): number {
    return this.#entries.size
  }

  /** The entry, if there is one. Counts as a read for the ranking, not in the entry's own figures; makes no objects. */
  read(key: string): StoredValue | undefined {
    const entry = this.#entries.get(key)
    if (entry !== undefined) this.policy.touch(entry)
    return entry
  }

  /** The entry, if there is one, as if nobody had looked. */
  peek(key: string): StoredValue | undefined {
    return this.#entries.get(key)
  }

  /**
   * Adds an entry whose key is not there.
   *
   * @param predecessor - What `remove` gave back for the same key when this entry replaces another: the ranking that the
   *   predecessor had earned goes on.
   * @returns the entry as it is kept from now on.
   */
  add(key: string, entry: StoredValue, predecessor?: StoredValue): StoredValue {
    const ranked = this.policy.admit(this.namespace, key, entry, predecessor as RankedEntry | undefined)
    this.#entries.set(key, ranked)
    return ranked
  }

  /** Takes an entry away and returns it. */
  remove(key: string): StoredValue | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.policy.forget(entry)
    return entry
  }

  /** Every entry. Entries may be added and removed on the way. */
  entries(): IterableIterator<readonly [string, StoredValue]> {
    return this.#entries.entries()
  }
}
