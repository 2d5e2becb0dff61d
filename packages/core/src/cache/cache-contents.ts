import { type CacheKey, type CacheWatch, cacheId, parseCacheId, type StoredValue } from './cache-entry.ts'
import { DependencyGraph } from './dependency-graph.ts'
import { EvictedSample } from './evicted-sample.ts'
import { type InvalidationEvent, InvalidationRules } from './invalidation-rules.ts'
import { NamespaceTable, type TableEntry } from './namespace-table.ts'
import type { EvictionPolicy } from './policies/eviction-policy.ts'

const MAX_SWEPT_ENTRIES = 10_000

/** The entries of an in-process cache, and their removal: by eviction, expiry and invalidation. */
export class CacheContents {
  readonly table: NamespaceTable
  readonly dependencies: DependencyGraph
  readonly rules: InvalidationRules = new InvalidationRules()
  /** Entries that were evicted for lack of memory. */
  readonly evicted: EvictedSample
  watch: CacheWatch | undefined
  evictions = 0
  expirations = 0
  #sweepCursor: Iterator<TableEntry> | undefined

  /** @param now - Time as in `StoredValue`. */
  constructor(
    public maxBytes: number,
    policy: EvictionPolicy,
    private readonly now: () => number,
  ) {
    this.table = new NamespaceTable(policy)
    this.evicted = new EvictedSample(maxBytes, now)
    this.dependencies = new DependencyGraph((id) => {
      const { namespace, key } = parseCacheId(id)
      return this.table.find(namespace, key) !== undefined
    })
  }

  /**
   * Adds an entry, and evicts others until it fits.
   *
   * @param predecessor - The removed entry that it replaces.
   * @returns The stored entry.
   */
  add(
    namespace: string,
    key: string,
    entry: StoredValue,
    predecessor: StoredValue | undefined,
    dependsOn: readonly CacheKey[],
  ): StoredValue {
    this.#makeRoom(entry.size)
    const stored = this.table.add(namespace, key, entry, predecessor)
    if (dependsOn.length > 0 || !this.dependencies.isEmpty) {
      const parents = dependsOn.map((parent) => cacheId(parent.namespace, parent.key))
      this.dependencies.own(cacheId(namespace, key), parents)
    }
    return stored
  }

  remove(namespace: string, key: string): StoredValue | undefined {
    const stored = this.table.remove(namespace, key)
    if (stored !== undefined && !this.dependencies.isEmpty) this.dependencies.release(cacheId(namespace, key))
    return stored
  }

  expire(namespace: string, key: string): void {
    this.expirations++
    this.remove(namespace, key)
  }

  /** Removes expired ones among the next entries; returns whether any are left to examine later. */
  sweep(): boolean {
    const now = this.now()
    this.#sweepCursor ??= this.table.entries()
    for (let looked = 0; looked < MAX_SWEPT_ENTRIES; looked++) {
      const next = this.#sweepCursor.next()
      if (next.done) {
        this.#sweepCursor = undefined
        break
      }
      const { namespace, key, stored } = next.value
      if (now >= stored.expires) this.expire(namespace, key)
    }
    return this.table.size > 0
  }

  /** Deletes a key or a pattern, and the targets of the rules. Returns the ids of the deleted entries. */
  invalidate(target: CacheKey | string): ReadonlySet<string> {
    return this.#follow((deleted) => this.#delete(target, deleted))
  }

  /** Like `invalidate`, for an id and everything that depends on it. */
  invalidateDependents(root: string): ReadonlySet<string> {
    return this.#follow((deleted) => {
      const keys = [...this.dependencies.dependents(root)].map(parseCacheId)
      this.evicted.clear()
      for (const key of keys) this.#deleteKey(key, deleted)
      return { kind: 'dependency', keys }
    })
  }

  resize(maxBytes: number): void {
    this.maxBytes = maxBytes
    this.table.resize(maxBytes)
    this.evicted.resize(maxBytes)
    this.#makeRoom(0)
  }

  clear(namespace: string | undefined): void {
    if (namespace === undefined) this.dependencies.clear()
    this.evicted.clear()
    this.watch?.clear(namespace)
    for (const entry of this.table.entries(namespace)) this.remove(entry.namespace, entry.key)
  }

  #makeRoom(bytes: number): void {
    while (this.table.bytes + bytes > this.maxBytes) {
      const { namespace, key } = this.table.victim()
      this.evictions++
      const stored = this.remove(namespace, key)
      if (stored !== undefined) this.evicted.evicted(namespace, key, stored)
    }
  }

  #follow(first: (deleted: Set<string>) => InvalidationEvent): ReadonlySet<string> {
    const deleted = new Set<string>()
    this.rules.follow(first(deleted), (target) => this.#delete(target, deleted))
    return deleted
  }

  #delete(target: CacheKey | string, deleted: Set<string>): InvalidationEvent {
    if (typeof target !== 'string') {
      this.#deleteKey(target, deleted)
      return { kind: 'delete', keys: [target] }
    }
    const keys = this.table.matching(target)
    // The names of evicted entries are not known.
    this.evicted.clear()
    this.watch?.invalidated(target)
    for (const key of keys) this.#deleteKey(key, deleted)
    return { kind: 'pattern', pattern: target, keys }
  }

  #deleteKey({ namespace, key }: CacheKey, deleted: Set<string>): void {
    const stored = this.table.find(namespace, key)
    this.watch?.invalidated({ namespace, key })
    if (stored === undefined) this.evicted.forget(namespace, key)
    // An expired entry does not count as deleted: it was just not swept yet.
    else if (this.now() >= stored.expires) this.expire(namespace, key)
    else {
      deleted.add(cacheId(namespace, key))
      this.remove(namespace, key)
    }
  }
}
