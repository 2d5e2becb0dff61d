import type { Clock } from '../shared/clock.ts'
import { InvalidArgumentError, SluiceError } from '../shared/errors.ts'
import { option } from '../shared/options.ts'
import { Periodic } from '../shared/timers.ts'
import { CacheContents } from './cache-contents.ts'
import {
  type CacheEntry,
  type CacheKey,
  type CacheWatch,
  cacheId,
  type LoadedValue,
  StoredEntry,
  type StoredValue,
} from './cache-entry.ts'
import {
  type CacheSetOptions,
  type CachingStrategyEngineOptions,
  checkCacheKey,
  checkKey,
  checkNamespace,
  NO_KEYS,
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
import { estimateBytes } from './estimate-bytes.ts'
import type { InvalidationRule } from './invalidation-rules.ts'
import type { NamespaceTable } from './namespace-table.ts'
import { createPolicy } from './policies/create-policy.ts'
import type { WarmLoader, WarmOptions, WarmProgress } from './warm-up.ts'

/** Size of one dependency: two ids and their slots in the graph. */
const DEPENDENCY_BYTES = 240
const SAMPLE_MASK = 255

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
  #maxEntryBytes: number
  readonly #settings: Omit<ResolvedEngineOptions, 'maxBytes' | 'sweepIntervalMs'>
  readonly #clock: Clock
  readonly #start: number
  /**
   * Wall-clock time at the start. Added to the monotonic time since then, it is the time of day, immune to
   * later changes of the wall clock.
   */
  readonly #startedAt: number
  readonly #contents: CacheContents
  readonly #table: NamespaceTable
  readonly #sweeper: Periodic
  /** Reads whose number has none of these bits take the slower path. */
  #sampleMask = SAMPLE_MASK
  /** When the budget was last changed. */
  #sizedAt: { readonly at: number; readonly stats: CacheStats }
  #closed = false
  #reads = 0
  #hits = 0
  #rejected = 0
  #sampledReads = 0
  #sampledMs = 0

  /** @throws InvalidOptionError for an unknown option, a wrong type, or a value out of bounds. */
  constructor(options: number | CachingStrategyEngineOptions = {}) {
    const { maxBytes, policy, maxEntryShare, sweepIntervalMs, clock } = resolveEngineOptions(options)
    this.#settings = { policy, maxEntryShare, clock }
    this.#maxEntryBytes = maxBytes * maxEntryShare
    this.#clock = clock
    this.#start = clock.now()
    this.#startedAt = clock.wall()
    this.#contents = new CacheContents(maxBytes, createPolicy(policy, maxBytes), () => this.#now())
    this.#table = this.#contents.table
    this.#sweeper = new Periodic(sweepIntervalMs, () => this.#contents.sweep())
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
    checkNamespace(namespace)
    checkKey(key)
    const { ttl, dependsOn } = resolveSetOptions(ttlOrOptions)
    const bytes = estimateBytes(value) + dependsOn.length * DEPENDENCY_BYTES
    const stored = this.#store(namespace, key, value, bytes, ttl * 1_000, this.#clock.now(), dependsOn)
    return new StoredEntry<T>(namespace, key, ttl, stored, this.#startedAt)
  }

  /**
   * Like `set`, for a value that was loaded under a valid name, and without a description of the entry.
   *
   * @param ttlMs - Time to live in milliseconds, above 0.
   * @param now - Time of the engine's clock.
   * @throws SluiceError `SLUICE_CLOSED` after `close`.
   * @internal
   */
  put(namespace: string, key: string, value: LoadedValue, ttlMs: number, now: number): void {
    this.#store(namespace, key, value, value.bytes, ttlMs, now, NO_KEYS)
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
    this.#contents.watch?.read(namespace, key, this.#table.find(namespace, key), end - this.#start)
    return value as T | null
  }

  /** Deletes one entry, but not the entries that depend on it. Returns whether it existed. */
  delete(namespace: string, key: string): boolean {
    checkNamespace(namespace)
    checkKey(key)
    return this.#contents.invalidate({ namespace, key }).has(cacheId(namespace, key))
  }

  /**
   * Deletes the entries whose `namespace:key` matches a glob: `*` matches any run of characters (including
   * colons), `?` one character, and `\` makes the next one literal. `tiles:*` is a whole namespace,
   * `*:user-7:*` a part of the key in any namespace. Returns the number of deleted entries, including those
   * that rules deleted.
   */
  invalidateByPattern(pattern: string): number {
    if (typeof pattern !== 'string') throw new InvalidArgumentError('pattern', 'a string', pattern)
    return this.#contents.invalidate(pattern).size
  }

  /**
   * Deletes an entry and all entries that depend on it, directly or indirectly, whether or not the entry
   * itself is cached. Returns the number of deleted entries, including those that rules deleted.
   */
  invalidateDependencies(namespace: string, key: string): number {
    checkNamespace(namespace)
    checkKey(key)
    return this.#contents.invalidateDependents(cacheId(namespace, key)).size
  }

  /**
   * Declares that one entry depends on another. The declaration applies whether or not they are cached, until
   * `clear()`. For short-lived entries, pass `dependsOn` to `set`.
   */
  addDependency(parent: CacheKey, child: CacheKey): void {
    checkCacheKey(parent, 'parent')
    checkCacheKey(child, 'child')
    this.#contents.dependencies.declare(
      cacheId(parent.namespace, parent.key),
      cacheId(child.namespace, child.key),
    )
  }

  /**
   * Adds a rule that returns other entries to delete when something is invalidated by `delete`,
   * `invalidateByPattern`, `invalidateDependencies` or another rule. Eviction, expiry, `set` and `clear` are
   * not invalidations. A rule that throws is skipped and counted in `ruleErrors`. Returns a function that
   * removes the rule.
   */
  addInvalidationRule(rule: InvalidationRule): () => void {
    return this.#contents.rules.add(rule)
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
    const contents = this.#contents
    return {
      hits: this.#hits,
      misses: this.#reads - this.#hits,
      hitRate: ratio(this.#hits, this.#reads),
      itemCount: this.#table.size,
      usedMemory: this.#table.bytes,
      totalMemory: contents.maxBytes,
      evictions: contents.evictions,
      ghostHits: contents.evicted.hits,
      ghostLoadMs: contents.evicted.loadMs,
      expirations: contents.expirations,
      rejected: this.#rejected,
      ruleErrors: contents.rules.errors,
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
    this.#maxEntryBytes = maxBytes * this.#settings.maxEntryShare
    this.#contents.resize(maxBytes)
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
    this.#contents.watch = watch
    this.#sampleMask = watch === undefined ? SAMPLE_MASK : 0
  }

  /**
   * Empties the cache, or one namespace of it. Counters stay. Dependencies are removed only with the whole
   * cache. No rule runs.
   */
  clear(namespace?: string): void {
    if (namespace !== undefined) checkNamespace(namespace)
    this.#contents.clear(namespace)
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

  #store(
    namespace: string,
    key: string,
    value: unknown,
    bytes: number,
    ttlMs: number,
    at: number,
    dependsOn: readonly CacheKey[],
  ): StoredValue {
    if (this.#closed)
      throw new SluiceError(
        'SLUICE_CLOSED',
        'This cache is closed, so entries cannot be added. Close it after everything that uses it.',
      )
    const contents = this.#contents
    const now = at - this.#start
    const entry: StoredValue = {
      value,
      expires: Math.ceil(now + ttlMs),
      size: this.#table.entryBytes + estimateBytes(key) + bytes,
      hits: 0,
      lastAccess: Math.floor(now),
    }
    contents.watch?.set(namespace, key, entry, now)
    const predecessor = contents.remove(namespace, key)
    if (entry.size > this.#maxEntryBytes) {
      this.#rejected++
      return entry
    }
    this.#sweeper.start()
    return contents.add(namespace, key, entry, predecessor, dependsOn)
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
      this.#contents.evicted.missed(namespace, key)
      return this.#miss(namespace)
    }
    const now = (at ?? this.#clock.now()) - this.#start
    if (now >= stored.expires) {
      this.#contents.expire(namespace, key)
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
}
