import type { StoredValue } from '../cache-entry.ts'
import type { Shelf } from './eviction-policy.ts'
import type { RankedEntry } from './ranked-entry.ts'

/** How a policy learns what happens on its shelves. */
export interface Ranking<TEntry extends RankedEntry> {
  /** Makes the record of a new entry and gives it a rank; a predecessor is not ranked any more, but its record tells its rank. */
  admit(namespace: string, key: string, entry: StoredValue, predecessor: TEntry | undefined): TEntry
  /** An entry was read. */
  touch(entry: TEntry): void
  /** An entry left. */
  forget(entry: TEntry): void
}

/** A namespace of a policy that ranks its entries itself. */
export class MapShelf<TEntry extends RankedEntry> implements Shelf {
  readonly #entries = new Map<string, TEntry>()

  constructor(
    private readonly namespace: string,
    private readonly ranking: Ranking<TEntry>,
  ) {}

  get size(): number {
    return this.#entries.size
  }

  read(key: string): StoredValue | undefined {
    const entry = this.#entries.get(key)
    if (entry !== undefined) this.ranking.touch(entry)
    return entry
  }

  peek(key: string): StoredValue | undefined {
    return this.#entries.get(key)
  }

  add(key: string, entry: StoredValue, predecessor?: StoredValue): StoredValue {
    const ranked = this.ranking.admit(this.namespace, key, entry, predecessor as TEntry | undefined)
    this.#entries.set(key, ranked)
    return ranked
  }

  remove(key: string): StoredValue | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.ranking.forget(entry)
    return entry
  }

  entries(): IterableIterator<readonly [string, StoredValue]> {
    return this.#entries.entries()
  }
}
