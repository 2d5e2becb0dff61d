import { rowBucket } from '../schema/row-key.ts'
import type { Clock } from '../shared/clock.ts'
import { InvalidArgumentError, SluiceError } from '../shared/errors.ts'
import { option } from '../shared/options.ts'
import { checkKey } from './cache-options.ts'
import type { TieredCounters, TieredStats } from './cache-stats.ts'
import type { CachingStrategyEngine } from './caching-strategy-engine.ts'
import { type CallPlan, CallPlans, checkCallOptions, type GetOrLoadOptions } from './call-plans.ts'
import type { KeptValue } from './coherence/kept-value.ts'
import type { CoherentCache } from './coherent-cache.ts'
import type { Copier } from './copiers.ts'
import { type BasisPart, endWith, type ReadBasis } from './derived/read-basis.ts'
import type { FetchPolicy, FetchRequest } from './fetch-request.ts'
import { TIERED } from './namespace-table.ts'
import { WriteBehind } from './patterns/write-behind.ts'
import type { WriteBehindEntry, WriteBehindOptions } from './patterns/write-behind-options.ts'
import { EVERY_TAG } from './stores/cache-store.ts'

const SHARED_PREFIX = 'tiered\n'
const NO_TAGS: readonly string[] = []

/** Tells others of a change of tags, and runs what makes it. */
type Announce = <T>(tags: readonly string[], change: () => Promise<T>) => Promise<T>

export interface TieredCacheParts {
  readonly cache: CoherentCache
  readonly engine: CachingStrategyEngine
  readonly clock: Clock
  readonly announce: Announce
  readonly policy: FetchPolicy
  readonly counters: TieredCounters
  /** The tags of models and tables; `undefined` while no catalogue is known. @throws InvalidArgumentError for names that none has. */
  readonly tagsOf: (tables: readonly string[]) => readonly string[] | undefined
  /** What is being made from what is asked for here, if anything is. */
  readonly basis: () => ReadBasis | undefined
  /** Runs a load whose result is cached: its reads may go to replicas only where these are current. */
  readonly loading: <T>(load: () => T) => T
  /** Empties the shared store, if there is one. */
  readonly clearStore: () => Promise<void>
}

/**
 * The app's own values, in this process's memory and, where there is one, in a store that processes share. A value that was invalidated, by
 * key, tag or a write to a table, is not handed out again: not even if it was being loaded at that moment. With a shared store that
 * holds across processes, at once or after `maxStalenessMs` (`consistency`).
 *
 * @example
 * ```ts
 * const rates = await sluice.tiered.getOrLoad('rates', () => fetchRates(), { ttl: 60, swr: 600, tags: ['rates'] })
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
   * The kept value, or what `load` gives, which is then kept. Calls for one key that are under way share one load.
   *
   * @param load - Asks the source. Called when it is needed, also after the call (`swr`, `earlyRefresh`).
   * @throws What `load` throws, to all who wait for it; LoadTimeoutError; InvalidArgumentError; InvalidOptionError.
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
        request?.basis?.spoil('unwritten')
        return Promise.resolve(unwritten.value as T)
      }
      if (request === undefined) {
        this.#spoil('unknown tables')
        return Promise.resolve().then(load)
      }
      const value = this.parts.cache.fetch(request)
      if (request.basis !== undefined) endWith(request.basis, value)
      return value
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** A hit needs neither the tags nor the load, and most calls are hits: no request is made for one. */
  #getOrLoad<T>(key: string, load: () => Promise<T> | T, plan: CallPlan, tags: readonly string[] = NO_TAGS): Promise<T> {
    const { cache, clock, engine } = this.parts
    const now = clock.now()
    const kept = engine.getAt<KeptValue>(TIERED, key, now) ?? undefined
    const hit = kept && cache.hit<T>(kept, plan, now)
    if (hit !== undefined) return hit
    const { policy, copier } = plan
    return cache.serve(new TieredRequest(key, load, this.parts, policy, copier as Copier<T>, tags, NO_TAGS, undefined), kept, now)
  }

  /** The kept value if it is valid; `undefined` otherwise. */
  async get<T>(key: string, options: Pick<GetOrLoadOptions, 'tags' | 'tables' | 'copy' | 'consistency'> = {}): Promise<T | undefined> {
    const request = this.#requestOf<T>(key, noLoad, options)
    const unwritten = this.#unwritten(key) as { readonly value: T } | undefined
    const found = unwritten ?? (request && (await this.parts.cache.find(request)))
    // What is not there may come.
    if (unwritten !== undefined || found === undefined) this.#spoil('unknown read')
    request?.basis?.spoil('unknown read')
    return found?.value
  }

  /** Keeps a value in place of what was kept, here and in other processes. */
  async set<T>(key: string, value: T, options: GetOrLoadOptions = {}): Promise<void> {
    const request = this.#requestOf<T>(key, noLoad, options, false)
    this.#spoil('write')
    await this.parts.announce([keyTag(key)], async () => {})
    if (request !== undefined) await this.parts.cache.put(request, value)
  }

  /** Drops a value, here and in other processes. What is being loaded under the key at this moment is not kept. */
  async delete(key: string): Promise<void> {
    checkKey(key)
    this.#assertOpen()
    this.#spoil('write')
    await this.parts.announce([keyTag(key)], async () => {})
    this.parts.engine.delete(TIERED, key)
  }

  /** Drops every value and every query's result that was given one of these tags, however many there are, here and in other processes. */
  async invalidateTags(tags: readonly string[]): Promise<void> {
    if (!option.strings.accepts(tags)) throw new InvalidArgumentError('tags', 'an array of strings', tags)
    this.#assertOpen()
    if (tags.length > 0) await this.parts.announce(tags.map(appTag), async () => {})
  }

  /** Drops everything: the app's values and all query results, here and in other processes. */
  async clear(): Promise<void> {
    this.#assertOpen()
    await this.parts.announce([EVERY_TAG], async () => {})
    this.parts.engine.clear(TIERED)
    await this.parts.clearStore()
  }

  /**
   * A function that reads by key through the cache.
   *
   * @param load - Asks the source for a key.
   */
  cacheAside<T>(load: (key: string) => Promise<T> | T, options: GetOrLoadOptions = {}): (key: string) => Promise<T> {
    if (typeof load !== 'function') throw new InvalidArgumentError('load', 'a function', load)
    checkCallOptions(options)
    return (key) => this.getOrLoad(key, () => load(key), options)
  }

  /**
   * A function that writes a value to its source and then keeps it. If writing fails nothing is kept, and what was kept before is dropped: the
   * source may have either.
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
      this.#spoil('write')
      await this.parts.announce([keyTag(key), ...(options.tags ?? NO_TAGS).map(appTag)], async () => void (await write(key, value)))
      if (request !== undefined) await this.parts.cache.put(request, value)
    }
  }

  /**
   * Accepts values at once and writes them to their source later, in batches; until then, this process reads what was accepted. Other
   * processes read what the source has, and none of them an older value once a batch is written. The Sluice's `close()` writes what is left.
   *
   * @param write - Writes a batch to the source. It may be handed the same values again after it failed.
   */
  writeBehind<T>(
    write: (entries: readonly WriteBehindEntry<T>[]) => Promise<void> | void,
    options: WriteBehindOptions<T> = {},
  ): WriteBehind<T> {
    if (typeof write !== 'function') throw new InvalidArgumentError('write', 'a function', write)
    this.#assertOpen()
    const behind = new WriteBehind<T>(
      (entries) => this.parts.announce([...new Set(entries.map(({ key }) => keyTag(key)))], async () => void (await write(entries))),
      options,
    )
    this.#behinds.push(behind as WriteBehind<unknown>)
    return behind
  }

  getStats(): TieredStats {
    return { ...this.parts.counters }
  }

  /**
   * Writes what is left to be written, and takes no more requests.
   *
   * @throws UnwrittenError
   */
  async close(): Promise<void> {
    // What a write-behind holds can be read until it is written.
    this.#closed ||= this.#behinds.length === 0
    const ended = await Promise.allSettled(this.#behinds.map((behind) => behind.close()))
    this.#closed = true
    const failed = ended.find((end) => end.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /** A value that was accepted and is not written yet. */
  #unwritten(key: string): { readonly value: unknown } | undefined {
    for (const behind of this.#behinds) {
      const value = behind.get(key)
      if (value !== undefined) return { value }
    }
    return undefined
  }

  /** `undefined`: it depends on tables, and no catalogue is known yet that would say which these are. */
  #requestOf<T>(key: string, load: () => Promise<T> | T, options: GetOrLoadOptions, isFollowed = true): FetchRequest<T> | undefined {
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
    return new TieredRequest(key, load, parts, policy, copier as Copier<T>, tags, tableTags, isFollowed ? this.#part(policy) : undefined)
  }

  #part({ consistency, ttlMs }: FetchPolicy): BasisPart | undefined {
    const basis = this.parts.basis()
    if (basis === undefined) return undefined
    return basis.part({ isShareable: true, database: undefined, isStrict: consistency === 'strict', maxTtlMs: ttlMs }, false)
  }

  #spoil(reason: string): void {
    this.parts.basis()?.spoil(reason)
  }

  #assertOpen(): void {
    if (this.#closed) throw new SluiceError('SLUICE_CLOSED', 'This Sluice was closed.')
  }
}

/** What is not needed for a hit in memory is worked out when it is asked for. */
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

/** The app's keys fall into buckets: a bucket counts as one key, so that there are few tags however many keys. */
function keyTag(key: string): string {
  return `k:${rowBucket([key])}`
}

/** The tag behind one of the app's own. */
export function appTag(tag: string): string {
  return `t:${tag}`
}

function noLoad(): Promise<never> {
  return Promise.reject(new Error('There is nothing to load.'))
}
