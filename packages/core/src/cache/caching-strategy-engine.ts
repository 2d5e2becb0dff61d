import type { Clock } from '../shared/clock.ts'
import { InvalidArgumentError, SluiceError } from '../shared/errors.ts'
import { option } from '../shared/options.ts'
import { Periodic } from '../shared/timers.ts'
import {
  type CacheEntry,
  type CacheKey,
  cacheId,
  parseCacheId,
  StoredEntry,
  type StoredValue,
} from './cache-entry.ts'
import {
  type CacheSetOptions,
  type CachingStrategyEngineOptions,
  checkCacheKey,
  checkKey,
  checkNamespace,
  type ResolvedEngineOptions,
  resolveEngineOptions,
  resolveSetOptions,
} from './cache-options.ts'
import {
  type CacheEfficiency,
  type CacheSizing,
  type CacheStats,
  ratio,
  sizingBetween,
} from './cache-stats.ts'
import type { CacheWatch } from './cache-watch.ts'
import { DependencyGraph } from './dependency-graph.ts'
import { estimateBytes } from './estimate-bytes.ts'
import { EvictedSample } from './evicted-sample.ts'
import {
  type InvalidationEvent,
  type InvalidationRule,
  InvalidationRules,
  type InvalidationTarget,
} from './invalidation-rules.ts'
import { NamespaceTable, type TableEntry } from './namespace-table.ts'
import { createPolicy } from './policies/create-policy.ts'
import type { WarmLoader, WarmOptions, WarmProgress } from './warm-up.ts'

/** Size of one dependency: two ids and their slots in the graph. */
const DEPENDENCY_BYTES = 240
const SAMPLE_MASK = 255
const MAX_SWEPT_ENTRIES = 10_000

/**
 * The in-process cache: entries by namespace and key, each with a time to live, within a budget in bytes. If
 * the budget is exceeded, the eviction policy selects the entries to evict: by default those that were not
 * read again soon after they were set.
 *
 * `get` returns the same reference that was passed to `set`: if your code modifies it, it modifies the cached
 * value. A cached `null` is indistinguishable from a miss.
 *
 * @example
 * ```ts
 * const cache = new CachingStrategyEngine(50 * 1024 * 1024)
 * cache.set('users', '7', { name: 'Ada' }, 60)
 * cache.get('users', '7') // { name: 'Ada' }
 * cache.invalidateByPattern('users:*') // 1
 * ```
 */
export class CachingStrategyEngine {
  #maxBytes: number
  #maxEntryBytes: number
  readonly #settings: Omit<ResolvedEngineOptions, 'maxBytes' | 'sweepIntervalMs'>
  readonly #clock: Clock
  readonly #start: number
  /**
   * Wall-clock time at the start. Added to the monotonic time since then, it is the time of day, immune to
   * later changes of the wall clock.
   */
  readonly #startedAt: number
  readonly #table: NamespaceTable
  readonly #dependencies: DependencyGraph
  readonly #rules = new InvalidationRules()
  readonly #sweeper: Periodic
  /** Entries that were evicted for lack of memory. */
  readonly #evicted: EvictedSample
  #watch: CacheWatch | undefined
  /** Reads whose number has none of these bits take the slower path. */
  #sampleMask = SAMPLE_MASK
  /** When the budget was last changed. */
  #sizedAt: { readonly at: number; readonly stats: CacheStats }
  #sweepCursor: Iterator<TableEntry> | undefined
  #closed = false
  #reads = 0
  #hits = 0
  #evictions = 0
  #expirations = 0
  #rejected = 0
  #sampledReads = 0
  #sampledMs = 0

  /** @throws InvalidOptionError for an unknown option, a wrong type, or a value out of bounds. */
  constructor(options: number | CachingStrategyEngineOptions = {}) {
    const { maxBytes, policy, maxEntryShare, sweepIntervalMs, clock } = resolveEngineOptions(options)
    this.#maxBytes = maxBytes
    this.#settings = { policy, maxEntryShare, clock }
    this.#maxEntryBytes = maxBytes * maxEntryShare
    this.#evicted = new EvictedSample(maxBytes, () => this.#now())
    this.#clock = clock
    this.#start = clock.now()
    this.#startedAt = clock.wall()
    this.#table = new NamespaceTable(createPolicy(policy, maxBytes))
    this.#dependencies = new DependencyGraph((id) => {
      const { namespace, key } = parseCacheId(id)
      return this.#table.find(namespace, key) !== undefined
    })
    this.#sweeper = new Periodic(sweepIntervalMs, () => this.#sweep())
    this.#sizedAt = { at: this.#start, stats: this.getStats() }
  }

  /**
   * Caches a value, and replaces the previous one.
   *
   * A value that is larger than `maxEntryShare` of the budget is rejected and counted as `rejected`. The
   * returned entry then describes it, but is not in the cache, and neither is the previous one.
   *
   * @param ttlOrOptions - Time to live in seconds, or an object with it and with the dependencies of the
   * value. Default: 3600.
   * @throws InvalidArgumentError for an invalid name or lifetime.
   * @throws SluiceError `SLUICE_CLOSED` after `close`.
   */
  set<T>(namespace: string, key: string, value: T, ttlOrOptions?: number | CacheSetOptions): CacheEntry<T> {
    if (this.#closed)
      throw new SluiceError(
        'SLUICE_CLOSED',
        'This cache is closed, so entries cannot be added. Close it after everything that uses it.',
      )
    checkNamespace(namespace)
    checkKey(key)
    const { ttl, dependsOn } = resolveSetOptions(ttlOrOptions)
    const size =
      this.#table.entryBytes + estimateBytes(key) + estimateBytes(value) + dependsOn.length * DEPENDENCY_BYTES
    const now = this.#now()
    const entry: StoredValue = {
      value,
      expires: Math.ceil(now + ttl * 1_000),
      size,
      hits: 0,
      lastAccess: Math.floor(now),
    }
    this.#watch?.set(namespace, key, entry, now)
    const predecessor = this.#remove(namespace, key)
    const stored =
      size > this.#maxEntryBytes
        ? this.#refuse(entry)
        : this.#add(namespace, key, entry, predecessor, dependsOn)
    return new StoredEntry<T>(namespace, key, ttl, stored, this.#startedAt)
  }

  /**
   * Returns the value; `null` if none or expired. Counts a hit or a miss, and updates the eviction policy.
   */
  get<T>(namespace: string, key: string): T | null {
    return this.getAt<T>(namespace, key, undefined)
  }

  /**
   * Like `get`, for a caller that already knows the time: reading the clock takes longer than the rest.
   *
   * @param now - Time of the engine's clock; `undefined`: it is read.
   * @internal
   */
  getAt<T>(namespace: string, key: string, now: number | undefined): T | null {
    if ((this.#reads++ & this.#sampleMask) !== 0) return this.#read(namespace, key, now) as T | null
    const start = this.#clock.now()
    const value = this.#read(namespace, key, now)
    const end = this.#clock.now()
    this.#sampledMs += end - start
    this.#sampledReads++
    this.#watch?.read(namespace, key, this.#table.find(namespace, key), end - this.#start)
    return value as T | null
  }

  /** Deletes one entry, but not the entries that depend on it. Returns whether it existed. */
  delete(namespace: string, key: string): boolean {
    checkNamespace(namespace)
    checkKey(key)
    return this.#invalidate((dropped) => this.#dropKey({ namespace, key }, dropped)).has(
      cacheId(namespace, key),
    )
  }

  /**
   * Deletes the entries whose `namespace:key` matches a glob: `*` matches any run of characters (including
   * colons), `?` one character, and `\` makes the next one literal. `tiles:*` is a whole namespace,
   * `*:user-7:*` a part of the key in any namespace. Returns the number of deleted entries, including those
   * that rules deleted.
   */
  invalidateByPattern(pattern: string): number {
    if (typeof pattern !== 'string') throw new InvalidArgumentError('pattern', 'a string', pattern)
    return this.#invalidate((dropped) => this.#dropPattern(pattern, dropped)).size
  }

  /**
   * Deletes an entry and all entries that depend on it, directly or indirectly, whether or not the entry
   * itself is cached. Returns the number of deleted entries, including those that rules deleted.
   */
  invalidateDependencies(namespace: string, key: string): number {
    checkNamespace(namespace)
    checkKey(key)
    return this.#invalidate((dropped) => this.#dropDependents(cacheId(namespace, key), dropped)).size
  }

  /**
   * Declares that one entry depends on another. The declaration applies whether or not they are cached, until
   * `clear()`. For short-lived entries, pass `dependsOn` to `set`.
   */
  addDependency(parent: CacheKey, child: CacheKey): void {
    checkCacheKey(parent, 'parent')
    checkCacheKey(child, 'child')
    this.#dependencies.declare(cacheId(parent.namespace, parent.key), cacheId(child.namespace, child.key))
  }

  /**
   * Adds a rule that returns other entries to delete when something is invalidated by `delete`,
   * `invalidateByPattern`, `invalidateDependencies` or another rule. Eviction, expiry, `set` and `clear` are
   * not invalidations. A rule that throws is skipped and counted in `ruleErrors`. Returns a function that
   * removes the rule.
   */
  addInvalidationRule(rule: InvalidationRule): () => void {
    return this.#rules.add(rule)
  }

  /**
   * Caches every field of an object under its name. Returns how many the cache accepted; `set` describes
   * which it rejects.
   */
  warmCache<T>(namespace: string, data: Readonly<Record<string, T>>, ttl?: number): number {
    if (typeof data !== 'object' || data === null)
      throw new InvalidArgumentError('data', 'an object of values by key', data)
    let stored = 0
    for (const [key, value] of Object.entries(data)) {
      if (this.#takes(() => this.set(namespace, key, value, ttl))) stored++
    }
    return stored
  }

  /**
   * Caches the entries that a loader yields, without blocking the event loop. If the loader throws, the
   * promise is rejected with its error, and the entries stored until then stay.
   */
  async warmCacheFrom<T>(loader: WarmLoader<T>, options: WarmOptions = {}): Promise<WarmProgress> {
    const { warmUp } = await import('./warm-up.ts')
    return warmUp(
      loader,
      ({ namespace, key, value, ttl, dependsOn }) =>
        this.#takes(() =>
          this.set(namespace, key, value, {
            ...(ttl !== undefined && { ttl }),
            ...(dependsOn !== undefined && { dependsOn }),
          }),
        ),
      options,
    )
  }

  getStats(): CacheStats {
    return {
      hits: this.#hits,
      misses: this.#reads - this.#hits,
      hitRate: ratio(this.#hits, this.#reads),
      itemCount: this.#table.size,
      usedMemory: this.#table.bytes,
      totalMemory: this.#maxBytes,
      evictions: this.#evictions,
      ghostHits: this.#evicted.hits,
      ghostLoadMs: this.#evicted.loadMs,
      expirations: this.#expirations,
      rejected: this.#rejected,
      ruleErrors: this.#rules.errors,
      averageAccessTimeMs: ratio(this.#sampledMs, this.#sampledReads),
    }
  }

  /** Iterates over all entries: use it for reports, not in every request. */
  getCacheEfficiency(): CacheEfficiency {
    return this.#table.efficiency()
  }

  /**
   * Changes the budget. If the entries exceed it, the eviction policy selects entries to evict until the
   * others fit, before this returns: about 0.1 s for 100,000 entries.
   *
   * @param maxBytes - Bytes of heap for all entries. An integer of at least `1`.
   * @throws InvalidArgumentError
   */
  setMaxBytes(maxBytes: number): void {
    const rule = option.integer(1)
    if (!rule.accepts(maxBytes)) throw new InvalidArgumentError('maxBytes', rule.expected, maxBytes)
    this.#maxBytes = maxBytes
    this.#maxEntryBytes = maxBytes * this.#settings.maxEntryShare
    this.#table.resize(maxBytes)
    this.#evicted.resize(maxBytes)
    this.#makeRoom(0)
    this.#sizedAt = { at: this.#clock.now(), stats: this.getStats() }
  }

  /** For a cache with the same behavior. @internal */
  get settings(): Omit<ResolvedEngineOptions, 'maxBytes' | 'sweepIntervalMs'> {
    return this.#settings
  }

  /** Counters since the budget was last changed. @internal */
  sizing(): CacheSizing {
    const { at, stats } = this.#sizedAt
    return sizingBetween(stats, this.getStats(), this.#clock.now() - at)
  }

  /** Lets one watch see every read and every change from now on; `undefined`: none. @internal */
  watch(watch: CacheWatch | undefined): void {
    this.#watch = watch
    this.#sampleMask = watch === undefined ? SAMPLE_MASK : 0
  }

  /**
   * Empties the cache, or one namespace of it. Counters stay. Dependencies are removed only with the whole
   * cache. No rule runs.
   */
  clear(namespace?: string): void {
    if (namespace !== undefined) checkNamespace(namespace)
    else this.#dependencies.clear()
    this.#evicted.clear()
    this.#watch?.clear(namespace)
    for (const entry of this.#table.entries(namespace)) this.#remove(entry.namespace, entry.key)
  }

  /**
   * Empties the cache permanently and stops its timer. From then on, `get` returns `null` and `set` throws.
   */
  close(): void {
    this.#closed = true
    this.#sweeper.stop()
    this.watch(undefined)
    this.clear()
  }

  #now(): number {
    return this.#clock.now() - this.#start
  }

  #takes(set: () => void): boolean {
    const rejected = this.#rejected
    set()
    return this.#rejected === rejected
  }

  #read(namespace: string, key: string, at: number | undefined): unknown {
    const space = this.#table.get(namespace)
    const stored = space?.shelf.read(key)
    if (space === undefined || stored === undefined) {
      this.#evicted.missed(namespace, key)
      return this.#miss(namespace)
    }
    const now = (at ?? this.#clock.now()) - this.#start
    if (now >= stored.expires) {
      this.#expire(namespace, key)
      return this.#miss(namespace)
    }
    stored.hits++
    stored.lastAccess = Math.floor(now)
    space.hits++
    this.#hits++
    return stored.value
  }

  #miss(namespace: string): null {
    this.#table.miss(namespace)
    return null
  }

  #refuse(entry: StoredValue): StoredValue {
    this.#rejected++
    return entry
  }

  #add(
    namespace: string,
    key: string,
    entry: StoredValue,
    predecessor: StoredValue | undefined,
    dependsOn: readonly CacheKey[],
  ): StoredValue {
    this.#makeRoom(entry.size)
    const stored = this.#table.add(namespace, key, entry, predecessor)
    if (dependsOn.length > 0) {
      this.#dependencies.own(
        cacheId(namespace, key),
        dependsOn.map((parent) => cacheId(parent.namespace, parent.key)),
      )
    } else if (!this.#dependencies.isEmpty) {
      this.#dependencies.own(cacheId(namespace, key), [])
    }
    this.#sweeper.start()
    return stored
  }

  #remove(namespace: string, key: string): StoredValue | undefined {
    const stored = this.#table.remove(namespace, key)
    if (stored !== undefined && !this.#dependencies.isEmpty)
      this.#dependencies.release(cacheId(namespace, key))
    return stored
  }

  #makeRoom(bytes: number): void {
    while (this.#table.bytes + bytes > this.#maxBytes) {
      const { namespace, key } = this.#table.victim()
      this.#evictions++
      const stored = this.#remove(namespace, key)
      if (stored !== undefined) this.#evicted.evicted(namespace, key, stored)
    }
  }

  #expire(namespace: string, key: string): void {
    this.#expirations++
    this.#remove(namespace, key)
  }

  /** Examines the next entries; returns whether there are any left to examine later. */
  #sweep(): boolean {
    const now = this.#now()
    this.#sweepCursor ??= this.#table.entries()
    for (let looked = 0; looked < MAX_SWEPT_ENTRIES; looked++) {
      const next = this.#sweepCursor.next()
      if (next.done) {
        this.#sweepCursor = undefined
        break
      }
      const { namespace, key, stored } = next.value
      if (now >= stored.expires) this.#expire(namespace, key)
    }
    return this.#table.size > 0
  }

  /** Deletes a target and the other targets that the rules return. Returns the ids of the deleted entries. */
  #invalidate(drop: (dropped: Set<string>) => InvalidationEvent): ReadonlySet<string> {
    const dropped = new Set<string>()
    this.#rules.follow(drop(dropped), (target: InvalidationTarget) =>
      typeof target === 'string' ? this.#dropPattern(target, dropped) : this.#dropKey(target, dropped),
    )
    return dropped
  }

  #dropKey({ namespace, key }: CacheKey, dropped: Set<string>): InvalidationEvent {
    const stored = this.#table.find(namespace, key)
    this.#watch?.invalidated({ namespace, key })
    if (stored === undefined) this.#evicted.forget(namespace, key)
    else {
      // An expired entry does not count as deleted: it was just not swept yet.
      if (this.#now() >= stored.expires) this.#expire(namespace, key)
      else {
        dropped.add(cacheId(namespace, key))
        this.#remove(namespace, key)
      }
    }
    return { kind: 'delete', keys: [{ namespace, key }] }
  }

  #dropPattern(pattern: string, dropped: Set<string>): InvalidationEvent {
    const keys = this.#table.matching(pattern)
    // The names of evicted entries are not known.
    this.#evicted.clear()
    this.#watch?.invalidated(pattern)
    for (const key of keys) this.#dropKey(key, dropped)
    return { kind: 'pattern', pattern, keys }
  }

  #dropDependents(root: string, dropped: Set<string>): InvalidationEvent {
    const keys = [...this.#dependencies.dependents(root)].map(parseCacheId)
    this.#evicted.clear()
    for (const key of keys) this.#dropKey(key, dropped)
    return { kind: 'dependency', keys }
  }
}
