import type { Clock } from '../shared/clock.ts'
import type { RandomSource } from '../shared/random.ts'
import { isInstance } from '../shared/thrown.ts'
import { newCounters, type TieredCounters } from './cache-stats.ts'
import type { KnownTypes, Shared } from './cached-values.ts'
import { CachingStrategyEngine } from './caching-strategy-engine.ts'
import { LocalWrites } from './coherence/local-writes.ts'
import type { ReadBasis } from './coherence/read-basis.ts'
import { SharedReads } from './coherence/shared-reads.ts'
import { SharedWrites } from './coherence/shared-writes.ts'
import { TagTable } from './coherence/tag-table.ts'
import { CoherentCache } from './coherent-cache.ts'
import { DerivedValues } from './derived-values.ts'
import type { FetchPolicy } from './fetch-request.ts'
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
  /** Defaults for the app's values. */
  readonly tiered: TieredOptions
  readonly clock: Clock
  readonly random: RandomSource
  readonly tagsOf: (tables: readonly string[]) => readonly string[] | undefined
  readonly onError: (error: unknown) => void
  /** Default time to live of values that are computed from several reads, in seconds. */
  readonly ttl: number
  readonly context: () => string
  readonly loading: TieredCacheParts['loading']
  /** The basis of the derived value that is being computed at this moment, if there is one. */
  readonly basis: () => ReadBasis | undefined
}

/** The parts of the cache that hold values. */
interface Values {
  readonly engine: CachingStrategyEngine
  /** Query results. */
  readonly cache: CoherentCache
  /** Counters of requests for query results. */
  readonly results: TieredCounters
  readonly tiered: TieredCache
  readonly derived: DerivedValues
}

/**
 * The connected parts of the cache: memory, the state of tags, and the shared store, if there is one. Memory
 * is created when it is first used.
 */
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
    const reads = new SharedReads(this.#table, writes, {
      store,
      clock,
      maxStalenessMs,
      onError,
      onAnswer: this.#outages.over,
    })
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
  get used(): Pick<Values, 'engine' | 'results' | 'tiered'> | undefined {
    return this.#values
  }

  get #opened(): Values {
    if (this.#values !== undefined) return this.#values
    this.#values = this.#createValues()
    if (this.#isClosed) {
      // Nothing was accepted, so there is nothing left to write.
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
    const bytes = maxBytes()
    const engine = new CachingStrategyEngine({
      clock,
      ...(bytes === undefined ? {} : { maxBytes: bytes }),
      ...(policy === undefined ? {} : { policy }),
    })
    // The app's values are decoded with the types of query results.
    const known: KnownTypes = { types: undefined }
    const coherent = (counters: TieredCounters) =>
      new CoherentCache({ engine, table, shared, clock, random, counters, known, onError })
    const [results, counters] = [newCounters(), newCounters()]
    const tiered = new TieredCache({
      cache: coherent(counters),
      engine,
      clock,
      counters,
      tagsOf,
      announce: (tags, change) => this.#announce(tags, change),
      policy: policyFrom(this.options.tiered, tieredPolicy(consistency)),
      basis: this.options.basis,
      loading: this.options.loading,
      clearStore: async () => shared?.store.clear(),
    })
    const derived = new DerivedValues({
      engine,
      table,
      shared,
      clock,
      random,
      consistency,
      onError,
      ttl,
      context,
      onUndecodable: () => {
        results.undecodable += 1
      },
      tagsOf: (tables, tags) => {
        const known = tables.length === 0 ? [] : tagsOf(tables)
        return known && [...known, ...tags.map(appTag)]
      },
    })
    return { engine, cache: coherent(results), results, tiered, derived }
  }

  /**
   * Writes the remaining values, and stops everything that was started, including the store.
   *
   * @throws UnwrittenError if a value could not be written; everything is stopped anyway.
   */
  async close(): Promise<void> {
    this.#isClosed = true
    try {
      await this.#values?.tiered.close()
    } finally {
      this.#shared?.reads.close()
      await this.writes.close()
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

/** Reports an outage of the store once, instead of for each call that fails because of it. */
class Outages {
  #isReported = false

  constructor(private readonly report: (error: unknown) => void) {}

  readonly onError = (error: unknown): void => {
    const isOutage = isInstance(error, StoreUnavailableError)
    if (isOutage && this.#isReported) return
    this.#isReported ||= isOutage
    this.report(error)
  }

  readonly over = (): void => {
    this.#isReported = false
  }
}

const DEFAULT_TTL = 300

function tieredPolicy(consistency: 'strict' | 'bounded'): FetchPolicy {
  return plainPolicy(DEFAULT_TTL, consistency)
}
