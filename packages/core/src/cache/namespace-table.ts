import { LRUCache } from 'lru-cache'
import type { CacheKey, StoredValue } from './cache-entry.ts'

const MAX_IDLE_NAMESPACES = 256

/** The entries of one namespace, the most recent one last, and how its reads went. */
export interface Namespace {
  readonly entries: LRUCache<string, StoredValue>
  hits: number
  misses: number
  /** No entry here was read before this time; the true bound may be later. */
  notBefore: number
}

export interface TableEntry extends CacheKey {
  readonly stored: StoredValue
}

/**
 * All entries, in one recency list per namespace. Two lookups with the caller's own strings are quicker than one with a string
 * that has to be joined and hashed for every read. Across namespaces recency is compared to the millisecond.
 */
export class NamespaceTable {
  readonly #spaces = new Map<string, Namespace>()
  #size = 0
  #bytes = 0

  /** @param maxBytes - An upper bound of all sizes together; who adds makes room first. */
  constructor(private readonly maxBytes: number) {}

  get size(): number {
    return this.#size
  }

  get bytes(): number {
    return this.#bytes
  }

  get(namespace: string): Namespace | undefined {
    return this.#spaces.get(namespace)
  }

  /** The entry, if there is one, without making it more recent. */
  find(namespace: string, key: string): StoredValue | undefined {
    return this.#spaces.get(namespace)?.entries.peek(key)
  }

  /** Adds an entry that is not there yet. */
  add(namespace: string, key: string, stored: StoredValue): void {
    const space = this.#spaces.get(namespace) ?? this.#create(namespace)
    if (space.entries.size === 0) space.notBefore = stored.lastAccess
    space.entries.set(key, stored, { size: stored.size })
    this.#size++
    this.#bytes += stored.size
  }

  remove(namespace: string, key: string): boolean {
    const space = this.#spaces.get(namespace)
    const stored = space?.entries.peek(key)
    if (space === undefined || stored === undefined) return false
    space.entries.delete(key)
    this.#size--
    this.#bytes -= stored.size
    if (space.entries.size === 0 && this.#spaces.size > MAX_IDLE_NAMESPACES) this.#spaces.delete(namespace)
    return true
  }

  /** Counts a read that found nothing. A flood of names that nobody ever fills is not remembered by name. */
  miss(namespace: string): void {
    const space = this.#spaces.get(namespace) ?? (this.#spaces.size < MAX_IDLE_NAMESPACES ? this.#create(namespace) : undefined)
    if (space !== undefined) space.misses++
  }

  /** The entry read longest ago. The table must not be empty. */
  oldest(): CacheKey {
    // A namespace's bound only grows, so the first one to be found exact is the least of all.
    for (;;) {
      const [namespace, space] = this.#leastBound()
      const next = space.entries.rentries().next()
      if (next.done) throw new RangeError('the table is empty')
      const [key, stored] = next.value as [string, StoredValue]
      if (stored.lastAccess <= space.notBefore) return { namespace, key }
      space.notBefore = stored.lastAccess
    }
  }

  /** Every entry, or every entry of one namespace, the oldest first. Entries may be added and removed on the way. */
  *entries(namespace?: string): Generator<TableEntry, void> {
    const names = namespace === undefined ? this.#spaces.keys() : [namespace]
    for (const name of names) {
      for (const [key, stored] of this.#spaces.get(name)?.entries.rentries() ?? []) {
        yield { namespace: name, key: key as string, stored: stored as StoredValue }
      }
    }
  }

  /** Hits per read of each namespace that was read. Without a prototype, so that any name is only a name. */
  hitRates(): Readonly<Record<string, number>> {
    const rates: Record<string, number> = Object.create(null)
    for (const [name, { hits, misses }] of this.#spaces) {
      if (hits + misses > 0) rates[name] = hits / (hits + misses)
    }
    return rates
  }

  #leastBound(): readonly [string, Namespace] {
    let least: readonly [string, Namespace] | undefined
    for (const candidate of this.#spaces) {
      if (candidate[1].entries.size === 0) continue
      if (least === undefined || candidate[1].notBefore < least[1].notBefore) least = candidate
    }
    if (least === undefined) throw new RangeError('the table is empty')
    return least
  }

  #create(namespace: string): Namespace {
    const space: Namespace = { entries: new LRUCache({ maxSize: this.maxBytes }), hits: 0, misses: 0, notBefore: 0 }
    this.#spaces.set(namespace, space)
    return space
  }
}
