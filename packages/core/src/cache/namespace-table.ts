import { compileGlob, literalPrefix } from '../shared/glob.ts'
import { type CacheKey, cacheId, parseCacheId, type StoredValue } from './cache-entry.ts'
import { type CacheEfficiency, ratio } from './cache-stats.ts'
import type { EvictionPolicy, RankedEntry } from './policies/eviction-policy.ts'

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
    if (entry !== undefined) this.policy.wasRead(entry)
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

/** Cached query results. */
export const RESULTS = 'results'
/** The app's values, from `sluice.tiered`. */
export const TIERED = 'tiered'
/** Values of `queries.cacheResult`. */
export const QUERY_RESULTS = 'query-results'
/** Values that were made from query results, such as HTTP responses. */
export const DERIVED = 'derived'

/**
 * The namespaces of the in-process cache that are reserved for Sluice. Values that an app set there would be
 * returned as results.
 */
export const ownCacheNamespaces: readonly string[] = [RESULTS, TIERED, QUERY_RESULTS, DERIVED]

const MAX_IDLE_NAMESPACES = 256

/** The entries of one namespace, and its hits and misses. */
interface Namespace {
  readonly name: string
  readonly shelf: Shelf
  hits: number
  misses: number
}

export interface TableEntry extends CacheKey {
  readonly stored: StoredValue
}

/** All entries by namespace and key, with their number and size. One policy ranks them all. */
export class NamespaceTable {
  readonly #spaces = new Map<string, Namespace>()
  /** Consecutive reads tend to use the same namespace. */
  #latest: Namespace | undefined
  #size = 0
  #bytes = 0

  constructor(private readonly policy: EvictionPolicy) {}

  get size(): number {
    return this.#size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Size of an entry besides its key and value, in bytes. */
  get entryBytes(): number {
    return this.policy.entryBytes
  }

  get(namespace: string): Namespace | undefined {
    const latest = this.#latest
    if (latest !== undefined && latest.name === namespace) return latest
    const space = this.#spaces.get(namespace)
    if (space !== undefined) this.#latest = space
    return space
  }

  /** The entry, if there is one, without a change of its rank. */
  find(namespace: string, key: string): StoredValue | undefined {
    return this.get(namespace)?.shelf.peek(key)
  }

  /**
   * Adds an entry that does not exist yet, or that replaces a removed one (`predecessor`). The caller must
   * have made room.
   *
   * @returns The stored entry.
   */
  add(namespace: string, key: string, entry: StoredValue, predecessor?: StoredValue): StoredValue {
    const space = this.get(namespace) ?? this.#create(namespace)
    this.#size++
    this.#bytes += entry.size
    return space.shelf.add(key, entry, predecessor)
  }

  remove(namespace: string, key: string): StoredValue | undefined {
    const space = this.get(namespace)
    const stored = space?.shelf.remove(key)
    if (space === undefined || stored === undefined) return undefined
    this.#size--
    this.#bytes -= stored.size
    if (space.shelf.size === 0 && this.#spaces.size > MAX_IDLE_NAMESPACES) {
      this.#spaces.delete(namespace)
      this.#latest = undefined
    }
    return stored
  }

  /**
   * Counts a miss. If there are many namespaces, a miss does not create another: a flood of unused names
   * takes no memory.
   */
  miss(namespace: string): void {
    const space =
      this.get(namespace) ?? (this.#spaces.size < MAX_IDLE_NAMESPACES ? this.#create(namespace) : undefined)
    if (space !== undefined) space.misses++
  }

  /** The budget is different from now on. The caller evicts what exceeds it. */
  resize(maxBytes: number): void {
    this.policy.resize?.(maxBytes)
  }

  /** The entry to evict next. The table must not be empty. */
  victim(): CacheKey {
    return this.policy.victim()
  }

  /** Every entry, or every entry of one namespace. Entries can be added and removed during the iteration. */
  *entries(namespace?: string): Generator<TableEntry, void> {
    const names = namespace === undefined ? this.#spaces.keys() : [namespace]
    for (const name of names) {
      for (const [key, stored] of this.#spaces.get(name)?.shelf.entries() ?? [])
        yield { namespace: name, key, stored }
    }
  }

  /** The names of the entries whose `namespace:key` matches a glob. */
  matching(pattern: string): readonly CacheKey[] {
    const prefix = literalPrefix(pattern)
    const { namespace, key } = parseCacheId(prefix)
    if (!/[*?]/.test(pattern)) return this.find(namespace, key) === undefined ? [] : [{ namespace, key }]
    const matches = compileGlob(pattern)
    const keys: CacheKey[] = []
    for (const entry of this.entries(prefix.includes(':') ? namespace : undefined)) {
      if (matches(cacheId(entry.namespace, entry.key)))
        keys.push({ namespace: entry.namespace, key: entry.key })
    }
    return keys
  }

  /** Iterates over all entries. */
  efficiency(): CacheEfficiency {
    let hits = 0
    let readBytes = 0
    let entriesNeverHit = 0
    for (const { stored } of this.entries()) {
      hits += stored.hits
      if (stored.hits > 0) readBytes += stored.size
      else entriesNeverHit++
    }
    return {
      memoryEfficiency: ratio(readBytes, this.#bytes),
      hitsPerByte: ratio(hits, this.#bytes),
      hitRateByNamespace: this.#hitRates(),
      entriesNeverHit,
    }
  }

  /** Hits per read of each namespace that was read. The object has no prototype, so that any name is safe. */
  #hitRates(): Readonly<Record<string, number>> {
    const rates: Record<string, number> = Object.create(null)
    for (const [name, { hits, misses }] of this.#spaces) {
      if (hits + misses > 0) rates[name] = hits / (hits + misses)
    }
    return rates
  }

  #create(namespace: string): Namespace {
    const space: Namespace = { name: namespace, shelf: new Shelf(namespace, this.policy), hits: 0, misses: 0 }
    this.#spaces.set(namespace, space)
    return space
  }
}
