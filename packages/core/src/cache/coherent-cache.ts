import { randomBytes } from 'node:crypto'
import type { AskedAhead } from '../pipeline/answers.ts'
import type { ReadNote } from '../pipeline/explanation.ts'
import type { ValueTypes } from '../pipeline/operation.ts'
import type { Clock } from '../shared/clock.ts'
import { SluiceError } from '../shared/errors.ts'
import type { RandomSource } from '../shared/random.ts'
import type { CachingStrategyEngine } from './caching-strategy-engine.ts'
import { KeptValue } from './coherence/kept-value.ts'
import type { Permit, SharedReads } from './coherence/shared-reads.ts'
import { SharedStateAhead } from './coherence/state-ahead.ts'
import type { TagSnapshot, TagTable } from './coherence/tag-table.ts'
import { type FetchPolicy, keepMs } from './fetch-policy.ts'
import type { CacheStore, StoredEntry } from './stores/cache-store.ts'
import type { TieredCounters } from './tiered-stats.ts'
import { withTimeouts } from './with-timeouts.ts'

/** How often one that waits for another's load starts over before it loads for itself: each time something was written meanwhile. */
const MAX_JOINS = 3
/** Between two looks for what another process is loading. */
const POLL_MS = 20
const NO_TAGS: readonly string[] = []

/** A value that is asked for, and how it is made. */
export interface FetchRequest<T> {
  readonly namespace: string
  readonly key: string
  /** Under this key processes share it; `undefined`: they do not. */
  readonly sharedKey: string | undefined
  /** What it depends on. */
  readonly tags: readonly string[]
  /** How many of the last tags a value may do without; see `isComplete`. */
  readonly optionalTags: number
  /** Whether a value does without its optional tags. */
  isComplete?(value: T): boolean
  /** Those of the tags that are this request's alone: what was kept without one of them is no answer to it. */
  readonly ownTags?: readonly string[]
  /** How old a value may be that another request kept for longer. Left out: as old as that one allowed. */
  readonly maxAgeMs?: number
  readonly policy: FetchPolicy
  readonly types?: ValueTypes | undefined
  /** Asks the source. */
  load(): Promise<T>
  /** The same, for nobody who waits: it must not be counted to a request. Left out: `load`. */
  refresh?(): Promise<T>
  /** A value that neither this cache nor another caller can change, or `undefined` when there is no exact copy. */
  copy(value: T): { readonly value: T } | undefined
  /** When, and under what, the source was asked for what `load` gave, where that was before `load` was called. */
  askedAhead?(): AskedAhead | undefined
  /** Whether other processes may have a value. */
  mayShare?(value: T): boolean
  /** Told of a value that was not loaded for this request. */
  onHit?(value: T): void
  /** Where it is written down what becomes of it. */
  readonly note?: ReadNote | undefined
  /** Whether those who wait for a load share its failure; otherwise each loads for itself then. */
  readonly sharesErrors: boolean
}

export interface Shared {
  readonly store: CacheStore
  readonly reads: SharedReads
}

export interface CoherentCacheParts {
  readonly engine: CachingStrategyEngine
  readonly table: TagTable
  /** `undefined`: this process is by itself. */
  readonly shared: Shared | undefined
  readonly clock: Clock
  readonly random: RandomSource
  readonly counters: TieredCounters
  readonly onError: (error: unknown) => void
}

/** The states of a request's tags before its value was asked for. */
interface Before {
  /** Without the optional tags. */
  readonly required: TagSnapshot
  /** `undefined` while a write to one of the optional tags is under way. */
  readonly all: TagSnapshot | undefined
}

interface Landed<T> {
  readonly value: T
  readonly permit: Permit | undefined
  /** A value that was kept, and that is to be refreshed. */
  readonly due?: KeptValue | undefined
}

/** A kept value that may be handed out. */
interface Answer<T> {
  readonly value: T
  /** Whether it is to be refreshed beside. */
  readonly isDue: boolean
}

interface Flight<T = unknown> {
  readonly before: Before
  readonly result: Promise<Landed<T>>
  readonly ownTags: readonly string[]
  /** Whether the value is still true, for all who waited; asked after nobody can join any more. */
  verdict?: Promise<boolean>
}

/**
 * Cache-aside by the coherence protocol: a value is handed out only while the state of every tag that it depends on is what it was before
 * its source was asked. Requests for one key that are under way share one load.
 */
export class CoherentCache {
  readonly #flights = new Map<string, Flight>()
  /** As a request told them last: the app's own values are made with them, too. */
  #types: ValueTypes | undefined

  constructor(private readonly parts: CoherentCacheParts) {}

  /** @throws What the source throws; LoadTimeoutError. */
  fetch<T>(request: FetchRequest<T>): Promise<T> {
    const { policy } = request
    if (policy.strategy === 'refresh') return this.#ask(request, undefined, 0)
    const now = this.parts.clock.now()
    const kept = this.#kept(request, now)
    if (kept === undefined) return this.#ask(request, undefined, 0)
    if (!this.#isValidHere(kept, policy, now)) return this.#ask(request, kept, 0)
    const answer = this.#handOut(request, kept, now)
    if (answer === undefined) return this.#ask(request, kept, 0)
    if (answer.isDue) this.#refresh(request, kept)
    return Promise.resolve(answer.value)
  }

  /** The kept value, if it is valid and fresh or within its `swrMs`. Nothing is loaded. */
  async find<T>(request: FetchRequest<T>): Promise<{ readonly value: T } | undefined> {
    const { clock, shared } = this.parts
    const kept = this.#kept(request, clock.now())
    if (kept !== undefined && this.#isValidHere(kept, request.policy, clock.now())) return this.#handOut(request, kept, clock.now())
    const before = shared === undefined ? undefined : this.#before(request)
    if (shared === undefined || before === undefined) return undefined
    try {
      if (kept?.permit !== undefined && (await shared.reads.check(kept.permit)) === 'current')
        return this.#handOut(request, kept, clock.now())
      const { entry } = await shared.reads.look(request.tags, request.sharedKey)
      return this.#fromStore(request, entry, before)
    } catch (error) {
      this.#storeFailed(error)
      return undefined
    }
  }

  /** Keeps a value that is known to be what the source has now, if nothing is written to its tags meanwhile. */
  async put<T>(request: FetchRequest<T>, value: T): Promise<void> {
    const { shared, clock } = this.parts
    const before = this.#before(request)
    if (before === undefined) return
    if (shared === undefined) return this.#keep(request, value, before, undefined, clock.now())
    try {
      const permit = (await shared.reads.look(request.tags)).permit ?? (await openFor(request, shared.reads))
      if (permit !== undefined) this.#keep(request, value, before, permit, clock.now())
    } catch (error) {
      this.#storeFailed(error)
    }
  }

  #kept(request: FetchRequest<unknown>, now: number): KeptValue | undefined {
    const kept = this.parts.engine.getAt<KeptValue>(request.namespace, request.key, now)
    return kept !== null && hasOwnTags(kept.ownTags, request) ? kept : undefined
  }

  #storeFailed(error: unknown): void {
    this.parts.counters.storeErrors += 1
    this.parts.onError(error)
  }

  /** Whether no more than this process's memory is needed to know that a value is valid. */
  #isValidHere(kept: KeptValue, policy: FetchPolicy, now: number): boolean {
    const { shared, table } = this.parts
    if (!kept.isCurrent(table.changes)) return false
    return shared === undefined || (policy.consistency === 'bounded' && shared.reads.isTrusted(now))
  }

  /** A valid value that is fresh, or stale and due; `undefined` when it is too old. */
  #handOut<T>(request: FetchRequest<T>, kept: KeptValue, now: number): Answer<T> | undefined {
    const { policy, maxAgeMs } = request
    const freshUntil = maxAgeMs === undefined ? kept.freshUntil : Math.min(kept.freshUntil, kept.askedAt + maxAgeMs)
    if (now >= freshUntil + policy.swrMs) return undefined
    const copy = request.copy(kept.value as T)
    if (copy === undefined) return undefined
    const { counters } = this.parts
    counters.hits += 1
    request.onHit?.(copy.value)
    request.note?.answered('memory', kept.permit?.tags ?? request.tags)
    const isStale = now >= freshUntil
    if (isStale) counters.staleHits += 1
    return { value: copy.value, isDue: isStale || this.#isDueEarly(kept, policy, now) }
  }

  /** XFetch (Vattani, Chierichetti and Lowenstein, 2015): the dearer a value and the nearer its end, the likelier. */
  #isDueEarly({ freshUntil, costMs }: KeptValue, { earlyRefresh }: FetchPolicy, now: number): boolean {
    if (earlyRefresh === 0 || costMs === 0) return false
    return now - costMs * earlyRefresh * Math.log(this.parts.random()) >= freshUntil
  }

  #refresh<T>(request: FetchRequest<T>, kept: KeptValue): void {
    if (this.#flights.has(flightId(request))) return
    if (this.parts.clock.now() < kept.freshUntil) this.parts.counters.earlyRefreshes += 1
    const { refresh, policy } = request
    // A request may work out what it is asked for, so its fields cannot be copied.
    const forNobody: FetchRequest<T> = Object.assign(Object.create(request), {
      policy: { ...policy, strategy: 'refresh' },
      ...(refresh === undefined ? {} : { load: refresh }),
    })
    const before = this.#before(request)
    if (before === undefined) return
    this.#takeOff(forNobody, kept, before).result.catch((error: unknown) => {
      this.parts.counters.refreshErrors += 1
      this.parts.onError(error)
    })
  }

  #before(request: FetchRequest<unknown>): Before | undefined {
    const { table } = this.parts
    const required = table.snapshot(requiredTags(request))
    if (required === undefined) return undefined
    return { required, all: request.optionalTags === 0 ? required : table.snapshot(request.tags) }
  }

  #ask<T>(request: FetchRequest<T>, kept: KeptValue | undefined, joins: number): Promise<T> {
    const before = this.#before(request)
    if (before === undefined) {
      this.parts.counters.blocked += 1
      request.note?.notKept('a write is under way')
      return request.load()
    }
    const flight = request.policy.strategy === 'refresh' ? undefined : (this.#flights.get(flightId(request)) as Flight<T> | undefined)
    if (flight?.before.required.isCurrent === true && hasOwnTags(flight.ownTags, request)) return this.#join(flight, request, kept, joins)
    return this.#landing(this.#takeOff(request, kept, before), request, kept)
  }

  /** The value of one's own load, or what its time limits allow instead. */
  #landing<T>(flight: Flight<T>, request: FetchRequest<T>, kept: KeptValue | undefined): Promise<T> {
    const { policy } = request
    const value = flight.result.then((landed) => landed.value)
    const hasLimits = policy.softTimeoutMs !== undefined || policy.hardTimeoutMs !== undefined
    if (!hasLimits && policy.graceMs === 0) return value
    return withTimeouts(value, policy, request.key, () => this.#lastResort(request, kept))
  }

  /** What is handed out when loading fails or takes too long: stale, but no write is known to have made it wrong. */
  async #lastResort<T>(request: FetchRequest<T>, kept: KeptValue | undefined): Promise<{ readonly value: T } | undefined> {
    const { counters, clock, shared } = this.parts
    // What the store had is here by now.
    const known = this.#kept(request, clock.now()) ?? kept
    if (known === undefined || clock.now() >= known.freshUntil + request.policy.graceMs) return undefined
    const isValid = this.#isValidHere(known, request.policy, clock.now()) || (shared !== undefined && (await isValidThere(known, shared)))
    const copy = isValid ? request.copy(known.value as T) : undefined
    if (copy === undefined) return undefined
    counters.graceHits += 1
    request.onHit?.(copy.value)
    return copy
  }

  /** What another request's load brings, if it is as true as one's own would be. */
  async #join<T>(flight: Flight<T>, request: FetchRequest<T>, kept: KeptValue | undefined, joins: number): Promise<T> {
    const { policy } = request
    const joined = async (): Promise<T> => {
      let landed: Landed<T>
      try {
        landed = await flight.result
      } catch (error) {
        if (request.sharesErrors) throw error
        return request.load()
      }
      const copy = (await this.#isStillTrue(flight, landed, request)) ? request.copy(landed.value) : undefined
      if (copy === undefined) return joins < MAX_JOINS ? this.#ask(request, kept, joins + 1) : request.load()
      this.parts.counters.joined += 1
      request.note?.answered('another read', landed.permit?.tags ?? request.tags)
      request.onHit?.(copy.value)
      return copy.value
    }
    const hasLimits = policy.softTimeoutMs !== undefined || policy.hardTimeoutMs !== undefined
    return hasLimits || policy.graceMs > 0 ? withTimeouts(joined(), policy, request.key, () => this.#lastResort(request, kept)) : joined()
  }

  #isStillTrue<T>(flight: Flight<T>, { value, permit }: Landed<T>, request: FetchRequest<T>): Promise<boolean> | boolean {
    const { shared, clock } = this.parts
    const snapshot = this.#snapshotFor(request, value, flight.before)
    if (snapshot?.isCurrent !== true) return false
    if (shared === undefined) return true
    if (permit === undefined || permit.tags.length < neededTags(request, value)) return false
    if (request.policy.consistency === 'bounded' && shared.reads.isTrusted(clock.now())) return true
    flight.verdict ??= shared.reads.check(permit).then(
      (state) => state === 'current',
      () => false,
    )
    return flight.verdict
  }

  /** The state that a value depends on; `undefined`: it cannot be known whether it still holds. */
  #snapshotFor<T>(request: FetchRequest<T>, value: T, before: Before): TagSnapshot | undefined {
    return neededTags(request, value) === request.tags.length ? before.all : before.required
  }

  #takeOff<T>(request: FetchRequest<T>, kept: KeptValue | undefined, before: Before): Flight<T> {
    const id = flightId(request)
    const landed = this.#run(request, kept, before)
    // Closed before anybody hears of the result: who comes later may know of a write that this one has not seen.
    const result = landed.then(
      (value) => {
        this.#close(id, flight)
        if (value.due !== undefined) this.#refresh(request, value.due)
        return value
      },
      (error: unknown) => {
        this.#close(id, flight)
        throw error
      },
    )
    const flight: Flight<T> = { before, result, ownTags: request.ownTags ?? NO_TAGS }
    this.#flights.set(id, flight)
    return flight
  }

  #close(id: string, flight: Flight): void {
    if (this.#flights.get(id) === flight) this.#flights.delete(id)
  }

  async #run<T>(request: FetchRequest<T>, kept: KeptValue | undefined, before: Before): Promise<Landed<T>> {
    const { shared } = this.parts
    if (shared === undefined) return this.#load(request, before, undefined)
    let found: Landed<T> | Permit | undefined
    try {
      found = await this.#lookUp(shared, request, kept, before)
    } catch (error) {
      this.#storeFailed(error)
    }
    if (found !== undefined && 'value' in found) return found
    if (found === undefined) {
      this.parts.counters.unpermitted += 1
      request.note?.notKept('the store does not permit it: a write is under way elsewhere, its state was lost, or it does not answer')
    }
    return this.#load(request, before, found)
  }

  /** A valid value from memory or from the store, or else the permit to keep a new one. */
  async #lookUp<T>(
    shared: Shared,
    request: FetchRequest<T>,
    kept: KeptValue | undefined,
    before: Before,
  ): Promise<Landed<T> | Permit | undefined> {
    const { policy, sharedKey } = request
    const { reads } = shared
    const isFirst = policy.strategy === 'cache-first'
    if (isFirst && kept?.permit !== undefined) {
      const state = await reads.check(kept.permit)
      if (state === 'current') this.#trustAgain(request, kept, kept.permit, before)
      const answer = state === 'current' ? this.#handOut(request, kept, this.parts.clock.now()) : undefined
      if (answer !== undefined) return { value: answer.value, permit: kept.permit, due: answer.isDue ? kept : undefined }
      if (state === 'closed') return this.#claimed(shared, request, before, await openFor(request, reads))
    }
    const look = await reads.look(request.tags, isFirst ? sharedKey : undefined)
    const found = this.#fromStore(request, look.entry, before)
    if (found !== undefined) return found
    return this.#claimed(shared, request, before, look.permit ?? (await openFor(request, reads)))
  }

  /** Lets memory answer for a value again that was in doubt, after messages were missed for one, and that the store knows to be valid. */
  #trustAgain(request: FetchRequest<unknown>, kept: KeptValue, { tags }: Permit, before: Before): void {
    const snapshot = tags.length < request.tags.length ? before.required : before.all
    if (snapshot !== undefined && !kept.isCurrent(this.parts.table.changes)) kept.validated(snapshot)
  }

  /** Lets one process of several load a key, and waits for it for a while. */
  async #claimed<T>(
    { store, reads }: Shared,
    request: FetchRequest<T>,
    before: Before,
    permit: Permit | undefined,
  ): Promise<Landed<T> | Permit | undefined> {
    const { policy, sharedKey, tags } = request
    const { clock } = this.parts
    if (policy.fleetWaitMs === 0 || sharedKey === undefined || permit === undefined || policy.strategy === 'refresh') return permit
    const token = randomBytes(9).toString('base64url')
    const until = clock.now() + policy.fleetWaitMs
    let current: Permit = permit
    let isClaimed = await store.claim(sharedKey, token, policy.fleetWaitMs)
    while (!isClaimed) {
      if (clock.now() >= until) return current
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      isClaimed = await store.claim(sharedKey, token, policy.fleetWaitMs)
      // The other keeps its value before it gives up its claim.
      const look = await reads.look(tags, sharedKey)
      const found = this.#fromStore(request, look.entry, before)
      const next = found === undefined ? (look.permit ?? (await openFor(request, reads))) : undefined
      if (next === undefined) {
        if (isClaimed) store.release(sharedKey, token).catch(() => {})
        return found
      }
      current = next
    }
    this.#claims.set(current, token)
    return current
  }

  /** The tokens of claims, by the permit of the load that they are for. */
  readonly #claims = new WeakMap<Permit, string>()

  /** A valid entry's value, kept in memory from now on; `undefined` when it cannot be read or is too old. */
  #fromStore<T>(request: FetchRequest<T>, entry: StoredEntry | undefined, before: Before): Landed<T> | undefined {
    if (entry === undefined || !hasOwnTags(entry.tags, request)) return undefined
    const { clock, counters } = this.parts
    let value: T
    try {
      this.#types = request.types ?? this.#types
      value = entry.value(this.#types) as T
    } catch {
      counters.unreadable += 1
      return undefined
    }
    const { epoch, stamps, tags, times } = entry
    const permit: Permit = { epoch, stamps, tags }
    const now = clock.now()
    // The clock of who kept it may be ahead of this one.
    const askedAt = now - Math.max(0, clock.wall() - times.askedAt)
    const snapshot = tags.length < request.tags.length ? before.required : before.all
    const kept = new KeptValue(value, snapshot ?? before.required, permit, {
      askedAt,
      freshUntil: askedAt + times.ttlMs,
      costMs: times.costMs,
      ownTags: request.ownTags ?? NO_TAGS,
    })
    if (snapshot !== undefined) this.#remember(request, kept, now)
    const answer = this.#handOut(request, kept, now)
    if (answer === undefined) return undefined
    counters.storeHits += 1
    request.note?.answered('store', tags)
    return { value: answer.value, permit, due: answer.isDue ? kept : undefined }
  }

  #remember(request: FetchRequest<unknown>, kept: KeptValue, now: number): void {
    const leftMs = kept.freshUntil - now + keepMs(request.policy, 0)
    if (leftMs > 0) this.parts.engine.set(request.namespace, request.key, kept, leftMs / 1_000)
  }

  async #load<T>(request: FetchRequest<T>, before: Before, permit: Permit | undefined): Promise<Landed<T>> {
    const { clock, counters, shared } = this.parts
    counters.loads += 1
    const startedAt = clock.now()
    const token = permit === undefined ? undefined : this.#claims.get(permit)
    try {
      const value = await request.load()
      if (shared === undefined || permit !== undefined) this.#tryToKeep(request, value, before, permit, startedAt)
      return { value, permit }
    } catch (error) {
      counters.loadErrors += 1
      throw error
    } finally {
      // After the fill, on the same connection.
      if (token !== undefined) shared?.store.release(request.sharedKey as string, token).catch(() => {})
    }
  }

  /** A value that was loaded is its caller's, whatever becomes of keeping it. */
  #tryToKeep<T>(request: FetchRequest<T>, value: T, before: Before, permit: Permit | undefined, startedAt: number): void {
    try {
      this.#keep(request, value, before, permit, startedAt)
    } catch (error) {
      // A Sluice may be closed while something is loaded.
      if (!(error instanceof SluiceError && error.code === 'SLUICE_CLOSED')) this.parts.onError(error)
    }
  }

  /** Keeps what was loaded, if nothing was written to its tags meanwhile. */
  #keep<T>(request: FetchRequest<T>, value: T, before: Before, permit: Permit | undefined, startedAt: number): void {
    const refused = this.#tryKeep(request, value, before, permit, startedAt)
    if (refused !== undefined) request.note?.notKept(refused)
  }

  /** @returns Why it is not kept; `undefined`: it is. */
  #tryKeep<T>(request: FetchRequest<T>, value: T, before: Before, permit: Permit | undefined, startedAt: number): string | undefined {
    const { clock, random, shared, counters } = this.parts
    const { policy } = request
    const now = clock.now()
    const fullMs = (value === null || value === undefined ? policy.negativeTtlMs : policy.ttlMs) * (1 - policy.jitter * random())
    const asked = request.askedAhead?.()
    const ttlMs = asked === undefined ? fullMs : fullMs - (now - asked.at)
    if (asked !== undefined && request.note !== undefined) request.note.answeredBy = 'asked ahead'
    if (ttlMs <= 0) return 'its time is over'
    // What was asked for before the permit was given is kept under what was known then.
    const ahead = asked?.state instanceof SharedStateAhead ? asked.state : undefined
    if (shared !== undefined && asked !== undefined && ahead === undefined) return 'it was asked ahead'
    const needed = neededTags(request, value)
    const snapshot = ahead?.snapshot ?? this.#snapshotFor(request, value, before)
    const isCovered = ahead !== undefined || permit === undefined || permit.tags.length >= needed
    if (snapshot === undefined || !isCovered || (shared === undefined && !snapshot.isCurrent)) {
      counters.overtaken += 1
      return 'a write overtook it'
    }
    const copy = request.copy(value)
    if (copy === undefined) return 'it cannot be copied exactly'
    const used = ahead?.permit ?? (permit === undefined ? undefined : shortened(permit, needed))
    const costMs = now - startedAt
    const kept = new KeptValue(copy.value, snapshot, used, {
      askedAt: asked?.at ?? now,
      freshUntil: now + ttlMs,
      costMs,
      // What was asked ahead was asked for anybody.
      ownTags: ahead === undefined ? (request.ownTags ?? NO_TAGS) : NO_TAGS,
    })
    this.#remember(request, kept, now)
    request.note?.kept(used?.tags ?? request.tags.slice(0, needed))
    const { sharedKey } = request
    if (shared === undefined || used === undefined || sharedKey === undefined || request.mayShare?.(value) === false) return undefined
    const entry = { ...used, times: { askedAt: clock.wall(), ttlMs, costMs }, value: copy.value }
    const stored = shared.store.set(sharedKey, entry, Math.min(keepMs(policy, ttlMs), shared.store.maxTtlMs))
    stored.then(
      (isKept) => {
        if (isKept) counters.stored += 1
        else counters.unstorable += 1
      },
      (error: unknown) => this.#storeFailed(error),
    )
    return undefined
  }
}

async function isValidThere(kept: KeptValue, { reads }: Shared): Promise<boolean> {
  if (kept.permit === undefined) return false
  try {
    return (await reads.check(kept.permit)) === 'current'
  } catch {
    return false
  }
}

/** The permit to keep what is loaded from now on; without the optional tags where they cannot be had. */
async function openFor(request: FetchRequest<unknown>, reads: SharedReads): Promise<Permit | undefined> {
  const opened = await reads.open(request.tags)
  return opened === undefined && request.optionalTags > 0 ? reads.open(requiredTags(request)) : opened
}

function hasOwnTags(tags: readonly string[], { ownTags }: FetchRequest<unknown>): boolean {
  return ownTags === undefined || ownTags.every((tag) => tags.includes(tag))
}

function requiredTags({ tags, optionalTags }: FetchRequest<unknown>): readonly string[] {
  return optionalTags === 0 ? tags : tags.slice(0, -optionalTags)
}

/** How many of the tags, from the first on, a value depends on. */
function neededTags<T>({ tags, optionalTags, isComplete }: FetchRequest<T>, value: T): number {
  return optionalTags > 0 && isComplete?.(value) === true ? tags.length - optionalTags : tags.length
}

function shortened(permit: Permit, length: number): Permit {
  const { epoch, tags, stamps } = permit
  return tags.length <= length ? permit : { epoch, tags: tags.slice(0, length), stamps: stamps.slice(0, length) }
}

/** A namespace holds no colon. */
function flightId({ namespace, key }: FetchRequest<unknown>): string {
  return `${namespace}:${key}`
}
