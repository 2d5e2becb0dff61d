import type { Clock } from '../shared/clock.ts'
import { newCounters } from './cache-stats.ts'
import { CachedValues, type Shared } from './cached-values.ts'
import type { CachingStrategyEngine } from './caching-strategy-engine.ts'
import type { CachedValue } from './coherence/cached-value.ts'
import { ReadBasis } from './coherence/read-basis.ts'
import type { TagTable } from './coherence/tag-table.ts'
import { type Copier, copiers, type FetchRequest } from './fetch-request.ts'
import { DERIVED } from './namespace-table.ts'
import { plainPolicy } from './tiered-options.ts'

const SHARED_PREFIX = 'derived\n'
const NO_TAGS: readonly string[] = []

/** A value that is valid at this moment. */
export interface DerivedValue<T> {
  readonly value: T
  /** Milliseconds since it was created. */
  readonly ageMs: number
  /** Milliseconds for which it is still fresh. */
  readonly remainingMs: number
}

/** How a derived value is cached. */
export interface KeepDerived {
  readonly key: string
  /** The key under which processes share it; `undefined`: they do not share it. */
  readonly sharedKey: string | undefined
  /** Milliseconds. */
  readonly ttlMs: number
}

export interface DerivedValuesParts {
  readonly engine: CachingStrategyEngine
  readonly table: TagTable
  readonly shared: Shared | undefined
  readonly clock: Clock
  readonly consistency: 'strict' | 'bounded'
  /** Default time to live of values, in seconds. */
  readonly ttl: number
  readonly random: () => number
  readonly onError: (error: unknown) => void
  readonly onUndecodable: () => void
  /** The facts outside the statements that change results. */
  readonly context: () => string
  /** The tags of models, of tables, and of the app's custom tags; `undefined` while no catalog is known. */
  readonly tagsOf: (tables: readonly string[], tags: readonly string[]) => readonly string[] | undefined
}

/** Form of a value in memory and in the store. */
interface Envelope<T> {
  readonly value: T
  readonly isStrict: boolean
  readonly databases: readonly string[]
}

/**
 * Values that are computed from several reads, such as the response to a request. They are cached under the
 * tags of all these reads, with the states that each read saw, and found while every state is unchanged. A
 * value is therefore never more outdated than cached results of its reads would be.
 */
export class DerivedValues {
  readonly #values: CachedValues
  /** Databases that this process reads. A value that was computed from a different database is not used. */
  readonly #databases = new Set<string>()

  constructor(private readonly parts: DerivedValuesParts) {
    const { engine, table, shared, clock, random, onError, onUndecodable } = parts
    this.#values = new CachedValues({
      engine,
      table,
      shared,
      clock,
      random,
      onError,
      onUndecodable,
      counters: newCounters(),
      known: { types: undefined },
    })
  }

  /** Default time to live of values, in milliseconds. */
  get defaultTtlMs(): number {
    return this.parts.ttl * 1_000
  }

  /** The facts outside the statements that change results, now. */
  context(): string {
    return this.parts.context()
  }

  /** This process reads a database: values that other processes computed from it can be used, too. */
  reads(database: string): void {
    this.#databases.add(database)
  }

  /**
   * Collects the reads from now on.
   *
   * @param context - The current context.
   */
  begin(context: string): ReadBasis {
    return new ReadBasis(context, this.parts.table, this.parts.shared !== undefined)
  }

  /**
   * Makes a value depend on models, tables and custom tags, in addition to its reads. Call it before anything
   * is read.
   *
   * @throws InvalidArgumentError for tables that no catalog contains.
   */
  async depend(basis: ReadBasis, tables: readonly string[], tags: readonly string[]): Promise<void> {
    const { shared, table } = this.parts
    const all = this.parts.tagsOf(tables, tags)
    if (all === undefined) return basis.spoil('UNKNOWN_TABLES')
    const part = basis.part(
      { isShareable: true, database: undefined, isStrict: false, maxTtlMs: undefined },
      false,
    )
    const snapshot = table.snapshot(all)
    if (shared === undefined) return part.add(all, snapshot, undefined)
    try {
      const permit = (await shared.reads.look(all)).permit ?? (await shared.reads.open(all))
      part.add(all, snapshot, permit)
    } catch (error) {
      this.#values.storeFailed(error)
      part.spoil('REJECTED_BY_STORE')
    }
  }

  /**
   * The value that is cached under a key, if it is valid at this moment and fresh. A promise only if the
   * store is called.
   *
   * @param accepts - Whether a value from the store can be the requested one.
   */
  find<T>(
    key: string,
    sharedKey: string | undefined,
    accepts: (value: unknown) => boolean,
  ): DerivedValue<T> | undefined | Promise<DerivedValue<T> | undefined> {
    const { clock, shared } = this.parts
    const now = clock.now()
    const fresh = this.#fresh(key, sharedKey, now)
    if (fresh !== undefined && this.#isTrue(fresh, now)) return found<T>(fresh, now)
    return shared === undefined ? undefined : this.#findThere<T>(shared, key, sharedKey, fresh, accepts)
  }

  /** Like `find`, for values in memory that are valid without a call to the store. */
  findHere<T>(key: string): DerivedValue<T> | undefined {
    const now = this.parts.clock.now()
    const fresh = this.#fresh(key, undefined, now)
    return fresh !== undefined && this.#isTrue(fresh, now) ? found<T>(fresh, now) : undefined
  }

  #fresh(key: string, sharedKey: string | undefined, now: number): CachedValue | undefined {
    const cached = this.#values.find(this.#request(key, sharedKey, NO_TAGS, 0), now)
    return cached !== undefined && now < cached.freshUntil ? cached : undefined
  }

  #isTrue(fresh: CachedValue, now: number): boolean {
    const { isStrict } = fresh.value as Envelope<unknown>
    return this.#values.isValidHere(fresh, plainPolicy(1, isStrict ? 'strict' : this.parts.consistency), now)
  }

  /**
   * Caches a value, if the state of everything that was read for it is unchanged.
   *
   * @returns The reason why it is not cached; `undefined` if it is.
   */
  keep<T>({ key, sharedKey, ttlMs }: KeepDerived, value: T, basis: ReadBasis): string | undefined {
    const terms = basis.close()
    if (typeof terms === 'string') return terms
    for (const database of terms.databases) this.reads(database)
    const usedMs = Math.min(ttlMs, terms.maxTtlMs ?? ttlMs)
    if (usedMs <= 0) return 'EXPIRED'
    const { tags, snapshot, permit, isShareable, isStrict, databases } = terms
    const envelope: Envelope<T> = { value, isStrict, databases }
    const request = this.#request(key, isShareable ? sharedKey : undefined, tags, usedMs)
    return this.#values.keep(
      request,
      envelope,
      { required: snapshot, all: snapshot },
      permit,
      this.parts.clock.now(),
    )
  }

  /** Deletes a value. */
  delete(key: string, sharedKey: string | undefined): void {
    const { engine, shared } = this.parts
    engine.delete(DERIVED, key)
    if (sharedKey !== undefined)
      shared?.store
        .delete([SHARED_PREFIX + sharedKey])
        .catch((error: unknown) => this.#values.storeFailed(error))
  }

  async #findThere<T>(
    { store, reads }: Shared,
    key: string,
    sharedKey: string | undefined,
    cached: CachedValue | undefined,
    accepts: (value: unknown) => boolean,
  ): Promise<DerivedValue<T> | undefined> {
    const { table, clock } = this.parts
    try {
      if (cached?.permit !== undefined) {
        const { tags } = cached.permit
        const before = table.snapshot(tags)
        if (before !== undefined && (await reads.check(cached.permit)) === 'current') {
          this.#values.trustAgain(this.#request(key, sharedKey, tags, 0), cached, cached.permit, {
            required: before,
            all: before,
          })
          return found<T>(cached, clock.now())
        }
      }
      if (sharedKey === undefined) return undefined
      const { entry } = await store.read(NO_TAGS, SHARED_PREFIX + sharedKey)
      // The snapshot must be taken before the store is called to check whether the state of the tags is
      // unchanged.
      const before = entry && table.snapshot(entry.tags)
      if (entry === undefined || before === undefined || (await reads.check(entry)) !== 'current')
        return undefined
      const request = {
        ...this.#request<Envelope<T>>(key, sharedKey, entry.tags, 0),
        accepts: (value: unknown) => isEnvelope(value) && accepts(value.value),
      }
      const loaded = this.#values.fromStore(request, entry, { required: before, all: before }, undefined)
      if (loaded === undefined) return undefined
      if (!loaded.value.databases.every((database) => this.#databases.has(database))) {
        this.parts.engine.delete(DERIVED, key)
        return undefined
      }
      const now = clock.now()
      const known = this.#values.find(request, now)
      return known === undefined ? undefined : found<T>(known, now)
    } catch (error) {
      this.#values.storeFailed(error)
      return undefined
    }
  }

  #request<T>(
    key: string,
    sharedKey: string | undefined,
    tags: readonly string[],
    ttlMs: number,
  ): FetchRequest<T> {
    return {
      namespace: DERIVED,
      key,
      sharedKey: sharedKey === undefined ? undefined : SHARED_PREFIX + sharedKey,
      tags,
      optionalTags: 0,
      policy: plainPolicy(ttlMs / 1_000, this.parts.consistency),
      load: () => Promise.reject(new Error('No value can be loaded here.')),
      // These values are never modified.
      copier: copiers.none as Copier<T>,
      sharesErrors: false,
    }
  }
}

function isEnvelope(value: unknown): value is Envelope<unknown> {
  if (typeof value !== 'object' || value === null) return false
  const { isStrict, databases } = value as Partial<Envelope<unknown>>
  return (
    typeof isStrict === 'boolean' &&
    Array.isArray(databases) &&
    databases.every((name) => typeof name === 'string')
  )
}

function found<T>({ value, queriedAt, freshUntil }: CachedValue, now: number): DerivedValue<T> {
  return {
    value: (value as Envelope<T>).value,
    ageMs: Math.max(0, now - queriedAt),
    remainingMs: freshUntil - now,
  }
}
