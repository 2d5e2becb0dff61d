import type { Clock } from '../shared/clock.ts'
import type { RandomSource } from '../shared/random.ts'
import { CachingStrategyEngine } from './caching-strategy-engine.ts'
import { LocalWrites } from './coherence/local-writes.ts'
import { SharedReads } from './coherence/shared-reads.ts'
import { SharedWrites } from './coherence/shared-writes.ts'
import { TagTable } from './coherence/tag-table.ts'
import { CoherentCache } from './coherent-cache.ts'
import { DerivedValues } from './derived/derived-values.ts'
import type { ReadBasis } from './derived/read-basis.ts'
import type { FetchPolicy } from './fetch-policy.ts'
import type { Shared } from './kept-values.ts'
import type { EvictionPolicyName } from './policies/create-policy.ts'
import type { CacheStore } from './stores/cache-store.ts'
import { StoreUnavailableError } from './stores/store-unavailable-error.ts'
import { appTag, TieredCache } from './tiered-cache.ts'
import { plainPolicy, policyFrom, type TieredOptions } from './tiered-options.ts'
import { newCounters } from './tiered-stats.ts'

export interface CacheSetUpOptions {
  readonly maxBytes: number | undefined
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
  /** What is being made from what is read at this moment, if anything is. */
  readonly basis: () => ReadBasis | undefined
}

/** The cache's parts, joined: memory, the state of tags, the shared store where there is one. */
export class CacheSetUp {
  readonly engine: CachingStrategyEngine
  readonly writes: LocalWrites
  readonly cache: CoherentCache
  readonly tiered: TieredCache
  readonly derived: DerivedValues
  readonly #shared: Shared | undefined

  constructor(options: CacheSetUpOptions) {
    const { maxBytes, policy, store, clock, random, consistency, onInvalidationFailure, maxStalenessMs } = options
    const outages = new Outages(options.onError)
    const { onError } = outages
    const table = new TagTable(clock)
    const counters = newCounters()
    this.engine = new CachingStrategyEngine({
      clock,
      ...(maxBytes === undefined ? {} : { maxBytes }),
      ...(policy === undefined ? {} : { policy }),
    })
    if (store === undefined) {
      this.writes = new LocalWrites(table)
      this.#shared = undefined
    } else {
      const writes = new SharedWrites(table, { store, clock, onInvalidationFailure, onError })
      this.writes = writes
      const reads = new SharedReads(table, writes, { store, clock, maxStalenessMs, onError, onAnswer: outages.over })
      writes.connect(reads, consistency === 'strict')
      this.#shared = { store, reads }
    }
    const shared = this.#shared
    this.cache = new CoherentCache({ engine: this.engine, table, shared, clock, random, counters, onError })
    this.tiered = new TieredCache({
      cache: this.cache,
      engine: this.engine,
      announce: (tags, change) => this.#announce(tags, change),
      policy: policyFrom(options.tiered, tieredPolicy(consistency)),
      counters,
      tagsOf: options.tagsOf,
      basis: options.basis,
      clearStore: async () => shared?.store.clear(),
    })
    const { ttl, context, tagsOf } = options
    this.derived = new DerivedValues({
      ...{ engine: this.engine, table, shared, clock, random, consistency, onError, ttl, context },
      tagsOf: (tables, tags) => {
        const known = tables.length === 0 ? [] : tagsOf(tables)
        return known && [...known, ...tags.map(appTag)]
      },
    })
  }

  /**
   * Writes what is left to be written, and ends what was begun, the store included.
   *
   * @throws UnwrittenError when something could not be written; everything is ended all the same.
   */
  async close(): Promise<void> {
    try {
      await this.tiered.close()
    } finally {
      this.#shared?.reads.close()
      this.writes.close()
      this.engine.close()
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
