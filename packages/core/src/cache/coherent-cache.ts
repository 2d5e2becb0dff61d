import type { Clock } from '../shared/clock.ts'
import { CachedValues, type CachedValuesParts, type Loaded, type Shared } from './cached-values.ts'
import type { CachingStrategyEngine } from './caching-strategy-engine.ts'
import type { CachedValue } from './coherence/cached-value.ts'
import type { Permit } from './coherence/shared-reads.ts'
import {
  type Before,
  type Copier,
  type FetchPolicy,
  type FetchRequest,
  flightId,
  hasOwnTags,
} from './fetch-request.ts'
import { Flight } from './flight.ts'
import { LoadClaims, openFor } from './load-claims.ts'
import { withTimeouts } from './with-timeouts.ts'

/**
 * How often a request that waits for another request's load starts over before it loads separately. It starts
 * over if the loaded value cannot be used, such as after a write in the meantime.
 */
const MAX_JOINS = 3
const NO_TAGS: readonly string[] = []

/**
 * Cache-aside with the coherence protocol: a value is returned only while the state of every tag that it
 * depends on is the same as before its source was queried. Concurrent requests for one key share one load.
 */
export class CoherentCache {
  readonly #flights = new Map<string, Flight>()
  readonly #values: CachedValues
  readonly #claims: LoadClaims

  /** The values in memory, valid or not. */
  readonly engine: CachingStrategyEngine
  readonly clock: Clock

  constructor(private readonly parts: CachedValuesParts) {
    this.#values = new CachedValues(parts)
    this.#claims = new LoadClaims(this.#values, parts.clock)
    this.engine = parts.engine
    this.clock = parts.clock
  }

  /** @throws The error of the source; LoadTimeoutError. */
  fetch<T>(request: FetchRequest<T>): Promise<T> {
    if (request.policy.strategy === 'refresh') return this.#request(request, undefined, 0)
    const now = this.parts.clock.now()
    return this.serve(request, this.#values.find(request, now), now)
  }

  /**
   * Like `fetch`, with the value that was already looked up in memory.
   *
   * @throws The error of the source; LoadTimeoutError.
   */
  serve<T>(request: FetchRequest<T>, cached: CachedValue | undefined, now: number): Promise<T> {
    if (cached === undefined || !this.#values.isValidHere(cached, request.policy, now))
      return this.#request(request, cached, 0)
    const answer = this.#values.valueFor(request, cached, now)
    if (answer === undefined) return this.#request(request, cached, 0)
    if (answer.isDue) this.#refresh(request, cached)
    return Promise.resolve(answer.value)
  }

  /**
   * Like `serve`, for a request whose source must be queried now or not at all, because its caller's next
   * call can change the result. It waits for no other request, and no other waits for it.
   *
   * @param answered - Passes a cached value to the caller.
   */
  serveNow<T>(
    request: FetchRequest<T>,
    cached: CachedValue | undefined,
    now: number,
    answered: (value: T) => Promise<T>,
  ): Promise<T> {
    if (cached !== undefined && this.#values.isValidHere(cached, request.policy, now)) {
      const answer = this.#values.freshFor(request, cached, now)
      if (answer !== undefined) return answered(answer.value)
    }
    const before = this.#values.before(request)
    return before === undefined
      ? this.#blocked(request)
      : this.#load(request, before, undefined).then(({ value }) => value)
  }

  /** Loads a value that is only for its caller, while a write is in flight. */
  #blocked<T>(request: FetchRequest<T>): Promise<T> {
    this.parts.counters.blocked += 1
    request.note?.notCached('WRITE_IN_FLIGHT')
    request.basis?.spoil('DISCARDED_BY_WRITE')
    return request.load()
  }

  /**
   * A copy of a fresh value from memory for a call that needs no request; `undefined`: `serve` decides. For
   * calls without separate tags and without a separate time to live.
   */
  hit<T>(
    cached: CachedValue,
    policy: FetchPolicy,
    copier: Copier<T>,
    now: number,
  ): { readonly value: T } | undefined {
    if (now >= cached.freshUntil || policy.earlyRefresh > 0 || !this.#values.isValidHere(cached, policy, now))
      return undefined
    const copy = this.#values.copyOf(copier, cached)
    if (copy === undefined) return undefined
    const { counters } = this.parts
    counters.hits += 1
    if (cached.isExtended) counters.extendedHits += 1
    return copy
  }

  /** The cached value, if it is valid, and fresh or within its `swrMs`. Nothing is loaded. */
  async find<T>(request: FetchRequest<T>): Promise<{ readonly value: T } | undefined> {
    const { clock, shared } = this.parts
    const cached = this.#values.find(request, clock.now())
    if (cached !== undefined && this.#values.isValidHere(cached, request.policy, clock.now()))
      return this.#values.valueFor(request, cached, clock.now())
    const before = shared === undefined ? undefined : this.#values.before(request)
    if (shared === undefined || before === undefined) return undefined
    try {
      if (cached?.permit !== undefined && (await shared.reads.check(cached.permit)) === 'current')
        return this.#values.valueFor(request, cached, clock.now(), before)
      const { entry, sentAt } = await shared.reads.look(request.tags, request.sharedKey)
      return this.#values.fromStore(request, entry, before, sentAt)
    } catch (error) {
      this.#values.storeFailed(error)
      return undefined
    }
  }

  /**
   * Caches a value that is known to be the current value of the source, if nothing is written to its tags
   * meanwhile.
   */
  async put<T>(request: FetchRequest<T>, value: T): Promise<void> {
    const { shared, clock } = this.parts
    const before = this.#values.before(request)
    if (before === undefined) return
    if (shared === undefined) return void this.#values.keep(request, value, before, undefined, clock.now())
    try {
      const permit =
        (await shared.reads.look(request.tags)).permit ?? (await openFor(request, shared.reads, before))
      if (permit !== undefined) this.#values.keep(request, value, before, permit, clock.now())
    } catch (error) {
      this.#values.storeFailed(error)
    }
  }

  #refresh<T>(request: FetchRequest<T>, cached: CachedValue): void {
    if (this.#flights.has(flightId(request))) return
    if (this.parts.clock.now() < cached.freshUntil) this.parts.counters.earlyRefreshes += 1
    const { refresh, policy } = request
    // A request can compute its fields lazily, so they cannot be copied.
    const background: FetchRequest<T> = Object.assign(Object.create(request), {
      policy: { ...policy, strategy: 'refresh' },
      basis: undefined,
      ...(refresh === undefined ? {} : { load: refresh }),
    })
    const before = this.#values.before(request)
    if (before === undefined) return
    this.#startLoad(background, cached, before).catch((error: unknown) => {
      this.parts.counters.refreshErrors += 1
      this.parts.onError(error)
    })
  }

  #request<T>(request: FetchRequest<T>, cached: CachedValue | undefined, joins: number): Promise<T> {
    const before = this.#values.before(request)
    if (before === undefined) return this.#blocked(request)
    const flight =
      request.policy.strategy === 'refresh'
        ? undefined
        : (this.#flights.get(flightId(request)) as Flight<T> | undefined)
    if (flight?.before.required.isCurrent === true && hasOwnTags(flight.ownTags, request))
      return this.#join(flight, request, cached, joins)
    return this.#limited(this.#startLoad(request, cached, before), request, cached)
  }

  /** The value of a load, or the fallback that its timeouts allow. */
  #limited<T>(value: Promise<T>, request: FetchRequest<T>, cached: CachedValue | undefined): Promise<T> {
    const { policy } = request
    const hasLimits =
      policy.softTimeoutMs !== undefined || policy.hardTimeoutMs !== undefined || policy.graceMs > 0
    return hasLimits
      ? withTimeouts(value, policy, request.key, () => this.#lastResort(request, cached))
      : value
  }

  /** The fallback if loading fails or takes too long: a stale value that no known write has invalidated. */
  async #lastResort<T>(
    request: FetchRequest<T>,
    cached: CachedValue | undefined,
  ): Promise<{ readonly value: T } | undefined> {
    const { counters, clock } = this.parts
    // By now, the entry of the store is in memory.
    const known = this.#values.find(request, clock.now()) ?? cached
    if (known === undefined || clock.now() >= known.freshUntil + request.policy.graceMs) return undefined
    const isValid =
      this.#values.isValidHere(known, request.policy, clock.now()) || (await this.#values.isValidThere(known))
    const copy = isValid ? this.#values.copyOf(request.copier, known) : undefined
    if (copy === undefined) return undefined
    counters.graceHits += 1
    request.basis?.spoil('STALE_ON_ERROR')
    request.onHit?.(copy.value)
    return copy
  }

  /** The result of another request's load, if it is as current as that of a separate load would be. */
  async #join<T>(
    flight: Flight<T>,
    request: FetchRequest<T>,
    cached: CachedValue | undefined,
    joins: number,
  ): Promise<T> {
    const joined = async (): Promise<T> => {
      let loaded: Loaded<T>
      try {
        loaded = await flight.loaded
      } catch (error) {
        if (request.sharesErrors) throw error
        request.basis?.spoil('COALESCING_FAILED')
        return request.load()
      }
      const copy =
        loaded.hasChangedQuery !== true && (await flight.isStillTrue(loaded, request, this.parts))
          ? request.copier.copy(loaded.value)
          : undefined
      if (copy === undefined) {
        if (joins < MAX_JOINS) return this.#request(request, cached, joins + 1)
        request.basis?.spoil('COALESCING_FAILED')
        return request.load()
      }
      this.parts.counters.coalesced += 1
      if (request.basis !== undefined) flight.follow(loaded, request, request.basis, this.parts)
      request.note?.answered('coalesced', loaded.permit?.tags ?? request.tags)
      request.onHit?.(copy.value)
      return copy.value
    }
    return this.#limited(joined(), request, cached)
  }

  /** Loads a value for its caller, and for the requests that join. */
  #startLoad<T>(request: FetchRequest<T>, cached: CachedValue | undefined, before: Before): Promise<T> {
    const { shared } = this.parts
    const id = flightId(request)
    const loaded =
      shared === undefined
        ? this.#load(request, before, undefined)
        : this.#run(shared, request, cached, before)
    const flight = new Flight(before, loaded, request.ownTags ?? NO_TAGS)
    // The flight is closed before any caller receives the result; requests that joined receive it later. A
    // request that starts after that can know of a write that this load has not seen.
    const value = loaded.then(
      ({ value, due }) => {
        this.#close(id, flight)
        if (due !== undefined) this.#refresh(request, due)
        return value
      },
      (error: unknown) => {
        this.#close(id, flight)
        throw error
      },
    )
    this.#flights.set(id, flight)
    return value
  }

  #close(id: string, flight: Flight): void {
    if (this.#flights.get(id) === flight) this.#flights.delete(id)
  }

  async #run<T>(
    shared: Shared,
    request: FetchRequest<T>,
    cached: CachedValue | undefined,
    before: Before,
  ): Promise<Loaded<T>> {
    let found: Loaded<T> | Permit | undefined
    try {
      const { policy, sharedKey, tags } = request
      const { all } = before
      // A value in memory that may still be valid is checked below: the store may contain no entry for it.
      if (
        cached?.permit === undefined &&
        all &&
        sharedKey &&
        policy.strategy === 'cache-first' &&
        policy.consistency === 'bounded'
      ) {
        const permit = shared.reads.known(all, tags, this.parts.clock.now())
        const entry =
          permit && shared.reads.accepted(await shared.store.read(NO_TAGS, sharedKey), permit, all)
        if (entry !== undefined) {
          found = entry === 'absent' ? undefined : this.#values.fromStore(request, entry, before, undefined)
          if (found === undefined) found = await this.#claims.claim(shared, request, before, permit)
          else this.parts.counters.knownHits += 1
        }
      }
      found ??= await this.#lookUp(shared, request, cached, before)
    } catch (error) {
      this.#values.storeFailed(error)
    }
    if (found !== undefined && 'value' in found) return found
    if (found === undefined) {
      this.parts.counters.rejectedByStore += 1
      request.note?.notCached('REJECTED_BY_STORE')
    }
    return this.#load(request, before, found)
  }

  /** A valid value from memory or from the store, otherwise the permit to cache a new one. */
  async #lookUp<T>(
    shared: Shared,
    request: FetchRequest<T>,
    cached: CachedValue | undefined,
    before: Before,
  ): Promise<Loaded<T> | Permit | undefined> {
    const { policy, sharedKey } = request
    const { reads } = shared
    const isFirst = policy.strategy === 'cache-first'
    if (isFirst && cached?.permit !== undefined) {
      const state = await reads.check(cached.permit)
      if (state === 'current') this.#values.trustAgain(request, cached, cached.permit, before)
      const answer =
        state === 'current'
          ? this.#values.valueFor(request, cached, this.parts.clock.now(), before)
          : undefined
      if (answer !== undefined)
        return { value: answer.value, permit: cached.permit, due: answer.isDue ? cached : undefined }
      if (state === 'closed')
        return this.#claims.claim(shared, request, before, await openFor(request, reads, before))
    }
    const look = await reads.look(
      request.tags,
      isFirst ? sharedKey : undefined,
      before.all ?? before.required,
    )
    const found = this.#values.fromStore(request, look.entry, before, look.sentAt)
    if (found !== undefined) return found
    return this.#claims.claim(shared, request, before, look.permit ?? (await openFor(request, reads, before)))
  }

  async #load<T>(request: FetchRequest<T>, before: Before, permit: Permit | undefined): Promise<Loaded<T>> {
    const { clock, counters, shared } = this.parts
    counters.loads += 1
    const startedAt = clock.now()
    request.soleWriter?.requested(startedAt)
    const token = permit === undefined ? undefined : this.#claims.tokenOf(permit)
    try {
      const value = await request.load()
      if (request.hasChangedQuery?.() === true) {
        counters.queryChanges += 1
        request.note?.notCached('QUERY_CHANGED')
        request.basis?.spoil('QUERY_CHANGED')
        return { value, permit: undefined, hasChangedQuery: true }
      }
      if (request.basis !== undefined)
        this.#values.followLoaded(request, request.basis, value, before, permit)
      if (shared === undefined || permit !== undefined)
        this.#values.tryToKeep(request, value, before, permit, startedAt)
      return { value, permit, isPrefetched: request.prefetched?.() !== undefined }
    } catch (error) {
      counters.loadErrors += 1
      throw error
    } finally {
      // After the fill, on the same connection.
      if (token !== undefined) shared?.store.release(request.sharedKey as string, token).catch(() => {})
    }
  }
}
