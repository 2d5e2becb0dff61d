import { rowBucket } from '../schema/row-key.ts'
import type { Clock } from '../shared/clock.ts'
import { InvalidArgumentError, SluiceError } from '../shared/errors.ts'
import { option } from '../shared/options.ts'
import { checkKey } from './cache-options.ts'
import type { TieredCounters, TieredStats } from './cache-stats.ts'
import type { CachingStrategyEngine } from './caching-strategy-engine.ts'
import type { CachedValue } from './coherence/cached-value.ts'
import { type BasisPart, endWith, type ReadBasis } from './coherence/read-basis.ts'
import type { CoherentCache } from './coherent-cache.ts'
import type { Copier, FetchPolicy, FetchRequest } from './fetch-request.ts'
import { TIERED } from './namespace-table.ts'
import { WriteBehind } from './patterns/write-behind.ts'
import type { WriteBehindEntry, WriteBehindOptions } from './patterns/write-behind-options.ts'
import { EVERY_TAG } from './stores/cache-store.ts'
import { type CallPlan, CallPlans, checkCallOptions, type GetOrLoadOptions } from './tiered-options.ts'

const SHARED_PREFIX = 'tiered\n'
const NO_TAGS: readonly string[] = []

/** Announces a change of tags to other processes, and runs the change. */
type Announce = <T>(tags: readonly string[], change: () => Promise<T>) => Promise<T>

export interface TieredCacheParts {
  readonly cache: CoherentCache
  readonly engine: CachingStrategyEngine
  readonly clock: Clock
  readonly announce: Announce
  readonly policy: FetchPolicy
  readonly counters: TieredCounters
  /**
   * The tags of models and tables; `undefined` while no catalog is known.
   *
   * @throws InvalidArgumentError for names that no catalog contains.
   */
  readonly tagsOf: (tables: readonly string[]) => readonly string[] | undefined
  /** The basis of the derived value that is being computed in this context, if there is one. */
  readonly basis: () => ReadBasis | undefined
  /** Runs a load whose result is cached: its reads use only replicas that are current. */
  readonly loading: <T>(load: () => T) => T
  /** Empties the shared store, if there is one. */
  readonly clearStore: () => Promise<void>
}

/**
 * The app's own values, in the memory of this process and, if configured, in a store that processes share. A
 * value that was invalidated, by key, tag or a write to a table, is not returned again: not even if it was
 * being loaded at that moment. With a shared store, this holds across processes, immediately or after
 * `maxStalenessMs` (`consistency`).
 *
 * @example
 * ```ts
 * const options = { ttl: 60, swr: 600, tags: ['rates'] }
 * const rates = await sluice.tiered.getOrLoad('rates', () => fetchRates(), options)
 * await sluice.tiered.invalidateTags(['rates'])
 * ```
 */
export class TieredCache {
  #closed = false
  readonly #behinds: WriteBehind<unknown>[] = []
  readonly #plans: CallPlans

  constructor(private readonly parts: TieredCacheParts) {
    this.#plans = new CallPlans(parts.policy)
  }

  /**
   * Returns the cached value for `key`, or calls `load` and caches its result. Concurrent calls for one key
   * share one load.
   *
   * @param load - Loads the value from its source. Called when needed, possibly after this call has settled
   * (`swr`, `earlyRefresh`).
   * @throws The error of `load`, to all callers that wait for it; LoadTimeoutError; InvalidArgumentError;
   * InvalidOptionError.
   */
  getOrLoad<T>(key: string, load: () => Promise<T> | T, options: GetOrLoadOptions = {}): Promise<T> {
    try {
      if (typeof load !== 'function') throw new InvalidArgumentError('load', 'a function', load)
      this.#assertOpen()
      checkKey(key)
      const plan = this.#plans.of(options)
      if (options.tables === undefined && this.#behinds.length === 0 && this.parts.basis() === undefined)
        return this.#getOrLoad(key, load, plan, options.tags)
      const request = this.#requestOf(key, load, options)
      const unwritten = this.#behinds.length === 0 ? undefined : this.#unwritten(key)
      if (unwritten !== undefined) {
        request?.basis?.spoil('PENDING_WRITE')
        return Promise.resolve(unwritten.value as T)
      }
      if (request === undefined) {
        this.#spoil('UNKNOWN_TABLES')
        return Promise.resolve().then(load)
      }
      const value = this.parts.cache.fetch(request)
      if (request.basis !== undefined) endWith(request.basis, value)
      return value
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** A hit needs neither the tags nor the load, and most calls are hits: no request is created for them. */
  #getOrLoad<T>(
    key: string,
    load: () => Promise<T> | T,
    plan: CallPlan,
    tags: readonly string[] = NO_TAGS,
  ): Promise<T> {
    const { cache, clock, engine } = this.parts
    const now = clock.now()
    const cached = engine.getAt<CachedValue>(TIERED, key, now) ?? undefined
    const { policy } = plan
    const copier = plan.copier as Copier<T>
    if (cached !== undefined) {
      const hit = cache.hit(cached, policy, copier, now)
      if (hit !== undefined)
        return copier.isByReference === true ? (cached.promise as Promise<T>) : Promise.resolve(hit.value)
    }
    return cache.serve(
      new TieredRequest(key, load, this.parts, policy, copier, tags, NO_TAGS, undefined),
      cached,
      now,
    )
  }

  /** Returns the cached value if it is valid; otherwise `undefined`. */
  async get<T>(
    key: string,
    options: Pick<GetOrLoadOptions, 'tags' | 'tables' | 'copy' | 'consistency'> = {},
  ): Promise<T | undefined> {
    const request = this.#requestOf<T>(key, noLoad, options)
    const unwritten = this.#unwritten(key) as { readonly value: T } | undefined
    const found = unwritten ?? (request && (await this.parts.cache.find(request)))
    // A missing value can be set later.
    if (unwritten !== undefined || found === undefined) this.#spoil('UNKNOWN_READ')
    request?.basis?.spoil('UNKNOWN_READ')
    return found?.value
  }

  /** Caches a value and replaces the previous one, in this process and in the others. */
  async set<T>(key: string, value: T, options: GetOrLoadOptions = {}): Promise<void> {
    const request = this.#requestOf<T>(key, noLoad, options, false)
    this.#spoil('WRITE')
    await this.parts.announce([keyTag(key)], async () => {})
    if (request !== undefined) await this.parts.cache.put(request, value)
  }

  /**
   * Deletes a value, in this process and in the others. A value that is being loaded for the key at this
   * moment is not cached.
   */
  async delete(key: string): Promise<void> {
    checkKey(key)
    this.#assertOpen()
    this.#spoil('WRITE')
    await this.parts.announce([keyTag(key)], async () => {})
    this.parts.engine.delete(TIERED, key)
  }

  /**
   * Invalidates every value and every query result with one of these tags, regardless of their number, in
   * this process and in the others.
   */
  async invalidateTags(tags: readonly string[]): Promise<void> {
    if (!option.strings.accepts(tags)) throw new InvalidArgumentError('tags', 'an array of strings', tags)
    this.#assertOpen()
    if (tags.length > 0) await this.parts.announce(tags.map(appTag), async () => {})
  }

  /** Invalidates everything: the app's values and all query results, in this process and in the others. */
  async clear(): Promise<void> {
    this.#assertOpen()
    await this.parts.announce([EVERY_TAG], async () => {})
    this.parts.engine.clear(TIERED)
    await this.parts.clearStore()
  }

  /**
   * Returns a function that reads by key through the cache.
   *
   * @param load - Loads the value of a key from its source.
   */
  cacheAside<T>(
    load: (key: string) => Promise<T> | T,
    options: GetOrLoadOptions = {},
  ): (key: string) => Promise<T> {
    if (typeof load !== 'function') throw new InvalidArgumentError('load', 'a function', load)
    checkCallOptions(options)
    return (key) => this.getOrLoad(key, () => load(key), options)
  }

  /**
   * Returns a function that writes a value to its source and then caches it. If the write fails, nothing is
   * cached and the previous value is invalidated, because the source can contain either.
   *
   * @param write - Writes to the source.
   */
  writeThrough<T>(
    write: (key: string, value: T) => Promise<unknown>,
    options: GetOrLoadOptions = {},
  ): (key: string, value: T) => Promise<void> {
    if (typeof write !== 'function') throw new InvalidArgumentError('write', 'a function', write)
    checkCallOptions(options)
    return async (key, value) => {
      const request = this.#requestOf<T>(key, noLoad, options, false)
      this.#spoil('WRITE')
      await this.parts.announce(
        [keyTag(key), ...(options.tags ?? NO_TAGS).map(appTag)],
        async () => void (await write(key, value)),
      )
      if (request !== undefined) await this.parts.cache.put(request, value)
    }
  }

  /**
   * Accepts values immediately and writes them to their source later, in batches. Until then, this process
   * reads the accepted values. Other processes read the values in the source, and once a batch is written,
   * none of them reads an older value. `close()` of the Sluice writes the remaining values.
   *
   * @param write - Writes a batch to the source. After a failure, it can be called with the same values
   * again.
   */
  writeBehind<T>(
    write: (entries: readonly WriteBehindEntry<T>[]) => Promise<void> | void,
    options: WriteBehindOptions<T> = {},
  ): WriteBehind<T> {
    if (typeof write !== 'function') throw new InvalidArgumentError('write', 'a function', write)
    this.#assertOpen()
    const behind = new WriteBehind<T>(
      (entries) =>
        this.parts.announce(
          [...new Set(entries.map(({ key }) => keyTag(key)))],
          async () => void (await write(entries)),
        ),
      options,
    )
    this.#behinds.push(behind as WriteBehind<unknown>)
    return behind
  }

  getStats(): TieredStats {
    return { ...this.parts.counters }
  }

  /**
   * Writes the remaining values, and accepts no more requests.
   *
   * @throws UnwrittenError
   */
  async close(): Promise<void> {
    // Accepted values stay readable until they are written.
    this.#closed ||= this.#behinds.length === 0
    const ended = await Promise.allSettled(this.#behinds.map((behind) => behind.close()))
    this.#closed = true
    const failed = ended.find((end) => end.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /** A value that is accepted but not written yet. */
  #unwritten(key: string): { readonly value: unknown } | undefined {
    for (const behind of this.#behinds) {
      const value = behind.get(key)
      if (value !== undefined) return { value }
    }
    return undefined
  }

  /** `undefined` if the value depends on tables and no catalog is known that resolves their names. */
  #requestOf<T>(
    key: string,
    load: () => Promise<T> | T,
    options: GetOrLoadOptions,
    isFollowed = true,
  ): FetchRequest<T> | undefined {
    this.#assertOpen()
    checkKey(key)
    const { parts } = this
    const { policy, copier } = this.#plans.of(options)
    const { tags = NO_TAGS, tables } = options
    const tableTags = tables === undefined ? NO_TAGS : parts.tagsOf(tables)
    if (tableTags === undefined) {
      parts.counters.unknownTables += 1
      return undefined
    }
    return new TieredRequest(
      key,
      load,
      parts,
      policy,
      copier as Copier<T>,
      tags,
      tableTags,
      isFollowed ? this.#part(policy) : undefined,
    )
  }

  #part({ consistency, ttlMs }: FetchPolicy): BasisPart | undefined {
    const basis = this.parts.basis()
    if (basis === undefined) return undefined
    return basis.part(
      { isShareable: true, database: undefined, isStrict: consistency === 'strict', maxTtlMs: ttlMs },
      false,
    )
  }

  #spoil(reason: string): void {
    this.parts.basis()?.spoil(reason)
  }

  #assertOpen(): void {
    if (this.#closed)
      throw new SluiceError(
        'SLUICE_CLOSED',
        'This Sluice is closed. Create a new one, or close it after everything that uses it.',
      )
  }
}

/** Computes lazily what a hit in memory does not need. */
class TieredRequest<T> implements FetchRequest<T> {
  private allTags: readonly string[] | undefined

  constructor(
    readonly key: string,
    private readonly source: () => Promise<T> | T,
    private readonly parts: Pick<TieredCacheParts, 'loading'>,
    readonly policy: FetchPolicy,
    readonly copier: Copier<T>,
    private readonly tagNames: readonly string[],
    private readonly tableTags: readonly string[],
    readonly basis: BasisPart | undefined,
  ) {}

  get namespace(): string {
    return TIERED
  }

  get sharedKey(): string {
    return SHARED_PREFIX + this.key
  }

  get tags(): readonly string[] {
    this.allTags ??= [keyTag(this.key), ...this.tagNames.map(appTag), ...this.tableTags]
    return this.allTags
  }

  get optionalTags(): number {
    return 0
  }

  get sharesErrors(): boolean {
    return true
  }

  async load(): Promise<T> {
    return this.parts.loading(this.source)
  }
}

/**
 * Keys are hashed into buckets. A bucket counts as one key, so the number of tags is limited regardless of
 * the number of keys.
 */
function keyTag(key: string): string {
  return `k:${rowBucket([key])}`
}

/** The internal tag of a custom tag of the app. */
export function appTag(tag: string): string {
  return `t:${tag}`
}

function noLoad(): Promise<never> {
  return Promise.reject(new Error('No value can be loaded here.'))
}
