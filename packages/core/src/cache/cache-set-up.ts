import type { Clock } from '../shared/clock.ts'
import type { RandomSource } from '../shared/random.ts'
import { newCounters } from './cache-stats.ts'
import { CachingStrategyEngine } from './caching-strategy-engine.ts'
import { LocalWrites } from './coherence/local-writes.ts'
import { SharedReads } from './coherence/shared-reads.ts'
import { SharedWrites } from './coherence/shared-writes.ts'
import { TagTable } from './coherence/tag-table.ts'
import { CoherentCache } from './coherent-cache.ts'
import { DerivedValues } from './derived/derived-values.ts'
import type { ReadBasis } from './derived/read-basis.ts'
import type { FetchPolicy } from './fetch-request.ts'
import type { Shared } from './kept-values.ts'
import type { EvictionPolicyName } from './policies/create-policy.ts'
import { type CacheStore, StoreUnavailableError } from './stores/cache-store.ts'
import { appTag, TieredCache, type TieredCacheParts } from './tiered-cache.ts'
import { plainPolicy, policyFrom, type TieredOptions } from './tiered-options.ts'

export interface CacheSetUpOptions {
  /** Called when the in-process cache is created. */
  readonly maxBytes: () => number | undefined
  readonly policy: EvictionPolicyName | undefined
  readonly store: CacheStore | undefined
  readonly consistency: 'strict' | 'bounded'
  readonly maxStalenessMs: number
  readonly onInvalidationFailure: 'reject-write' | 'proceed'
  /** How the app's own values are kept where a call says nothing. */
  readonly tiered: TieredOptions
  readonly clock: Clock
  readonly random: RandomSource
  readonly tagsOf: (tables: readonly string[]) => readonly string[] | undefined
  readonly onError: (error: unknown) => void
  /** Seconds that values made of several reads are kept where nothing is said. */
  readonly ttl: number
  readonly context: () => string
  readonly loading: TieredCacheParts['loading']
  /** What is being made from what is read at this moment, if anything is. */
  readonly basis: () => ReadBasis | undefined
}

/** The parts of the cache that hold values. */
interface Values {
  readonly engine: CachingStrategyEngine
  readonly cache: CoherentCache
  readonly tiered: TieredCache
  readonly derived: DerivedValues
}

/** The cache's parts, joined: memory, the state of tags, the shared store where there is one. Memory is created when it is first used. */
export class CacheSetUp {
  readonly writes: LocalWrites
  readonly #table: TagTable
  readonly #shared: Shared | undefined
  readonly #outages: Outages
  #values: Values | undefined
  #isClosed = false

  constructor(private readonly options: CacheSetUpOptions) {
    const { store, clock, consistency, onInvalidationFailure, maxStalenessMs } = options
    this.#outages = new Outages(options.onError)
    const { onError } = this.#outages
    this.#table = new TagTable(clock)
    if (store === undefined) {
      this.writes = new LocalWrites(this.#table)
      return
    }
    const writes = new SharedWrites(this.#table, { store, clock, onInvalidationFailure, onError })
    this.writes = writes
    const reads = new SharedReads(this.#table, writes, { store, clock, maxStalenessMs, onError, onAnswer: this.#outages.over })
    writes.connect(reads, consistency === 'strict')
    this.#shared = { store, reads }
  }

  get engine(): CachingStrategyEngine {
    return this.#opened.engine
  }

  get cache(): CoherentCache {
    return this.#opened.cache
  }

  get tiered(): TieredCache {
    return this.#opened.tiered
  }

  get derived(): DerivedValues {
    return this.#opened.derived
  }

  /** The parts that were used; `undefined` if none was. */
  get used(): Pick<CacheSetUp, 'engine' | 'tiered'> | undefined {
    return this.#values
  }

  get #opened(): Values {
    if (this.#values !== undefined) return this.#values
    this.#values = this.#createValues()
    if (this.#isClosed) {
      // Nothing was accepted, so nothing is left to be written.
      void this.#values.tiered.close()
      this.#values.engine.close()
    }
    return this.#values
  }

  #createValues(): Values {
    const { maxBytes, policy, clock, random, consistency, tagsOf, ttl, context } = this.options
    const { onError } = this.#outages
    const table = this.#table
    const shared = this.#shared
    const counters = newCounters()
    const bytes = maxBytes()
    const engine = new CachingStrategyEngine({
      clock,
      ...(bytes === undefined ? {} : { maxBytes: bytes }),
      ...(policy === undefined ? {} : { policy }),
    })
    const cache = new CoherentCache({ engine, table, shared, clock, random, counters, onError })
    const tiered = new TieredCache({
      ...{ cache, engine, clock, counters, tagsOf },
      announce: (tags, change) => this.#announce(tags, change),
      policy: policyFrom(this.options.tiered, tieredPolicy(consistency)),
      basis: this.options.basis,
      loading: this.options.loading,
      clearStore: async () => shared?.store.clear(),
    })
    const derived = new DerivedValues({
      ...{ engine, table, shared, clock, random, consistency, onError, ttl, context },
      tagsOf: (tables, tags) => {
        const known = tables.length === 0 ? [] : tagsOf(tables)
        return known && [...known, ...tags.map(appTag)]
      },
    })
    return { engine, cache, tiered, derived }
  }

  /**
   * Writes what is left to be written, and ends what was begun, the store included.
   *
   * @throws UnwrittenError when something could not be written; everything is ended all the same.
   */
  async close(): Promise<void> {
    this.#isClosed = true
    try {
      await this.#values?.tiered.close()
    } finally {
      this.#shared?.reads.close()
      this.writes.close()
      this.#values?.engine.close()
      await this.#shared?.store.close()
    }
  }

  async #announce<T>(tags: readonly string[], change: () => Promise<T>): Promise<T> {
    const announced = this.writes.announceTags(tags)
    await announced.ready
    try {
      const result = await change()
      await announced.end('committed')
      return result
    } catch (error) {
      await announced.end('unknown')
      throw error
    }
  }
}

/** Tells of an outage of the store once, and not with each call that fails by it. */
class Outages {
  #isTold = false

  constructor(private readonly tell: (error: unknown) => void) {}

  readonly onError = (error: unknown): void => {
    const isOutage = error instanceof StoreUnavailableError
    if (isOutage && this.#isTold) return
    this.#isTold ||= isOutage
    this.tell(error)
  }

  readonly over = (): void => {
    this.#isTold = false
  }
}

const DEFAULT_TTL = 300

function tieredPolicy(consistency: 'strict' | 'bounded'): FetchPolicy {
  return plainPolicy(DEFAULT_TTL, consistency)
}
