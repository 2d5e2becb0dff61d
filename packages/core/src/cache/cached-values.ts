import type { ValueTypes } from '../pipeline/operation.ts'
import type { Clock } from '../shared/clock.ts'
import { SluiceError } from '../shared/errors.ts'
import type { RandomSource } from '../shared/random.ts'
import { isInstance } from '../shared/thrown.ts'
import type { TieredCounters } from './cache-stats.ts'
import type { CachingStrategyEngine } from './caching-strategy-engine.ts'
import { CachedValue } from './coherence/cached-value.ts'
import type { BasisPart } from './coherence/read-basis.ts'
import { type Permit, SharedPrefetchState, type SharedReads, withSendTime } from './coherence/shared-reads.ts'
import type { TagTable } from './coherence/tag-table.ts'
import {
  type Before,
  type Copier,
  type FetchPolicy,
  type FetchRequest,
  hasOwnTags,
  keepMs,
  neededTags,
  requiredTags,
  snapshotOf,
} from './fetch-request.ts'
import type { CacheStore, StoredEntry } from './stores/cache-store.ts'

const NO_TAGS: readonly string[] = []
/** How long a value is cached that may be fresh for longer than its time to live, in milliseconds. */
const EXTENDED_MS = 300_000

export interface Shared {
  readonly store: CacheStore
  readonly reads: SharedReads
}

/** The types of the last request that had them, with which values of the store are decoded. */
export interface KnownTypes {
  types: ValueTypes | undefined
}

export interface CachedValuesParts {
  readonly engine: CachingStrategyEngine
  readonly table: TagTable
  /** `undefined`: values are not shared with other processes. */
  readonly shared: Shared | undefined
  readonly clock: Clock
  readonly random: RandomSource
  readonly counters: TieredCounters
  readonly known: KnownTypes
  readonly onError: (error: unknown) => void
  /** Called for each entry that is not a value of its request. */
  readonly onUndecodable?: () => void
}

export interface Loaded<T> {
  readonly value: T
  readonly permit: Permit | undefined
  /** Whether its source was queried before the permit was obtained. */
  readonly isPrefetched?: boolean
  /**
   * Whether the query that was sent differs from the one in its key: the value is then only for its caller.
   */
  readonly hasChangedQuery?: boolean
  /** A cached value that must be revalidated. */
  readonly due?: CachedValue | undefined
}

/** A cached value that may be returned. */
export interface Answer<T> {
  readonly value: T
  /** Whether it must be revalidated in the background. */
  readonly isDue: boolean
}

/**
 * The values in the memory of this process and in the shared store. Decides which of them may be returned.
 */
export class CachedValues {
  constructor(private readonly parts: CachedValuesParts) {}

  /** The value in memory for a request, valid or not. */
  find(request: FetchRequest<unknown>, now: number): CachedValue | undefined {
    const cached = this.parts.engine.getAt<CachedValue>(request.namespace, request.key, now)
    return cached !== null && hasOwnTags(cached.ownTags, request) ? cached : undefined
  }

  /** The state of a request's tags; `undefined` while a write to a required tag is in flight. */
  before(request: FetchRequest<unknown>): Before | undefined {
    const { table } = this.parts
    const { tags, optionalTags } = request
    const required = table.snapshot(tags, tags.length - optionalTags)
    if (required === undefined) return undefined
    return { required, all: optionalTags === 0 ? required : table.snapshot(tags) }
  }

  /** Whether a value is known to be valid without a call to the store. */
  isValidHere(cached: CachedValue, policy: FetchPolicy, now: number): boolean {
    const { shared, table } = this.parts
    if (!cached.isCurrent(table.changes)) return false
    return (
      shared === undefined || (policy.consistency === 'bounded' && shared.reads.isTrusted(now, cached.permit))
    )
  }

  /** Whether the shared store confirms that a value is valid. */
  async isValidThere(cached: CachedValue): Promise<boolean> {
    const { shared } = this.parts
    if (shared === undefined || cached.permit === undefined) return false
    try {
      return (await shared.reads.check(cached.permit)) === 'current'
    } catch {
      return false
    }
  }

  /**
   * A valid value that is fresh, or stale and due; `undefined` if it is too old or cannot be copied exactly.
   *
   * @param before - The state of the tags before the store confirmed that the value is valid. Omit it if this
   * process knows at this moment that it is.
   */
  valueFor<T>(
    request: FetchRequest<T>,
    cached: CachedValue,
    now: number,
    before?: Before,
  ): Answer<T> | undefined {
    const { policy } = request
    const freshUntil = freshUntilFor(request, cached)
    if (now >= freshUntil + policy.swrMs) return undefined
    const copy = this.copyOf(request.copier, cached)
    if (copy === undefined) return undefined
    const { counters } = this.parts
    counters.hits += 1
    if (cached.isExtended) counters.extendedHits += 1
    request.onHit?.(copy.value)
    request.note?.answered('memory', cached.permit?.tags ?? request.tags)
    if (request.basis !== undefined) this.#follow(request, request.basis, cached, now, before)
    const isStale = now >= freshUntil
    if (isStale) counters.staleHits += 1
    return { value: copy.value, isDue: isStale || this.#isDueEarly(cached, policy, now) }
  }

  /** Like `valueFor`, but only a value that is fresh, and `isDue` does not matter. */
  freshFor<T>(request: FetchRequest<T>, cached: CachedValue, now: number): Answer<T> | undefined {
    return now < freshUntilFor(request, cached) ? this.valueFor(request, cached, now) : undefined
  }

  /** The value that a caller receives for a cached value; `undefined` if there is no exact copy. */
  copyOf<T>(copier: Copier<T>, cached: CachedValue): { readonly value: T } | undefined {
    if (cached.isPrivate && copier.recopy !== undefined) return { value: copier.recopy(cached.value as T) }
    // The caller may have received the value itself, and can modify it.
    cached.isPrivate = false
    return copier.copy(cached.value as T)
  }

  /**
   * The value of a valid entry, which is cached in memory from now on; `undefined` if it cannot be read or is
   * too old.
   *
   * @param sentAt - When the request was sent that confirmed the entry, if the permit must contain it.
   */
  fromStore<T>(
    request: FetchRequest<T>,
    entry: StoredEntry | undefined,
    before: Before,
    sentAt: number | undefined,
  ): Loaded<T> | undefined {
    const decoded = entry === undefined ? undefined : this.#decoded(request, entry)
    if (entry === undefined || decoded === undefined || !hasOwnTags(entry.tags, request)) return undefined
    const { value } = decoded
    const { clock, counters } = this.parts
    const { epoch, stamps, tags, times } = entry
    const permit = withSendTime({ epoch, stamps, tags }, sentAt)
    const now = clock.now()
    // The clock of the process that stored it can be ahead of this one.
    const queriedAt = now - Math.max(0, clock.wall() - times.queriedAt)
    const snapshot = snapshotOf(request, tags.length, before)
    const cached = new CachedValue(value, snapshot ?? before.required, permit, {
      queriedAt: queriedAt,
      freshUntil: queriedAt + times.ttlMs,
      costMs: times.costMs,
      ownTags: request.ownTags ?? NO_TAGS,
    })
    if (snapshot !== undefined) this.#remember(request, cached, now)
    const answer = this.valueFor(request, cached, now, before)
    if (answer === undefined) return undefined
    // The value was just created from the entry, and there is an exact copy of it.
    cached.isPrivate = request.copier.recopy !== undefined
    counters.storeHits += 1
    request.note?.answered('store', tags)
    return { value: answer.value, permit, due: answer.isDue ? cached : undefined }
  }

  /** The value of an entry, which other programs can write to; `undefined` if it cannot be the request's. */
  #decoded<T>(request: FetchRequest<T>, entry: StoredEntry): { readonly value: T } | undefined {
    const { known, counters, onUndecodable } = this.parts
    known.types = request.types ?? known.types
    try {
      const value = entry.value(known.types)
      if (request.accepts?.(value) !== false) return { value: value as T }
    } catch {
      // Counted like a value that is not accepted.
    }
    counters.undecodable += 1
    onUndecodable?.()
    return undefined
  }

  storeFailed(error: unknown): void {
    this.parts.counters.storeErrors += 1
    this.parts.onError(error)
  }

  /**
   * Lets memory serve a value again that was in doubt, for example after missed messages, and that the store
   * has confirmed as valid.
   */
  trustAgain(request: FetchRequest<unknown>, cached: CachedValue, { tags }: Permit, before: Before): void {
    const snapshot = snapshotOf(request, tags.length, before)
    if (snapshot !== undefined && !cached.isCurrent(this.parts.table.changes)) cached.validated(snapshot)
  }

  /** Adds the dependencies of a loaded value to the basis. */
  followLoaded<T>(
    request: FetchRequest<T>,
    basis: BasisPart,
    value: T,
    before: Before,
    permit: Permit | undefined,
  ): void {
    const prefetched = request.prefetched?.()
    const state = prefetched?.state instanceof SharedPrefetchState ? prefetched.state : undefined
    if (state !== undefined) basis.add(state.permit.tags, state.snapshot, state.permit)
    else if (this.parts.shared !== undefined && prefetched !== undefined) basis.spoil('PREFETCHED')
    else
      basis.add(
        request.tags.slice(0, neededTags(request, value)),
        snapshotOf(request, neededTags(request, value), before),
        permit,
      )
  }

  /** Adds the dependencies of a cached value to the basis: the tags under which it is valid. */
  #follow<T>(
    request: FetchRequest<T>,
    basis: BasisPart,
    { value, permit, freshUntil }: CachedValue,
    now: number,
    before: Before | undefined,
  ): void {
    const remainingMs = freshUntil - now
    const tags = permit?.tags ?? request.tags.slice(0, neededTags(request, value as T))
    if (before === undefined) {
      basis.add(tags, this.parts.table.snapshot(tags), permit, remainingMs)
      return
    }
    const within = (others: readonly string[]) => tags.every((tag) => others.includes(tag))
    const all = within(request.tags) ? before.all : undefined
    basis.add(tags, all ?? (within(requiredTags(request)) ? before.required : undefined), permit, remainingMs)
  }

  /** Caches a loaded value. The caller receives the value even if caching it fails. */
  tryToKeep<T>(
    request: FetchRequest<T>,
    value: T,
    before: Before,
    permit: Permit | undefined,
    startedAt: number,
  ): void {
    try {
      this.keep(request, value, before, permit, startedAt)
    } catch (error) {
      // A Sluice can be closed while a load is in flight.
      if (!(isInstance(error, SluiceError) && error.code === 'SLUICE_CLOSED')) this.parts.onError(error)
    }
  }

  /**
   * Caches a loaded value, if nothing was written to its tags meanwhile.
   *
   * @returns The reason why it is not cached; `undefined` if it is.
   */
  keep<T>(
    request: FetchRequest<T>,
    value: T,
    before: Before,
    permit: Permit | undefined,
    startedAt: number,
  ): string | undefined {
    const { clock, random, shared, counters } = this.parts
    const { policy } = request
    const now = clock.now()
    const fullMs =
      (value === null || value === undefined ? policy.negativeTtlMs : policy.ttlMs) *
      (1 - policy.jitter * random())
    const prefetched = request.prefetched?.()
    const ttlMs = prefetched === undefined ? fullMs : fullMs - (now - prefetched.at)
    if (prefetched !== undefined && request.note !== undefined) request.note.answeredBy = 'prefetch'
    if (ttlMs <= 0) return notCached(request, 'EXPIRED')
    // Rows that were prefetched before the permit was obtained are cached under the state from before the
    // prefetch.
    const state = prefetched?.state instanceof SharedPrefetchState ? prefetched.state : undefined
    if (shared !== undefined && prefetched !== undefined && state === undefined)
      return notCached(request, 'PREFETCHED')
    const needed = neededTags(request, value)
    const snapshot = state?.snapshot ?? snapshotOf(request, needed, before)
    const isCovered = state !== undefined || permit === undefined || permit.tags.length >= needed
    if (snapshot === undefined || !isCovered || (shared === undefined && !snapshot.isCurrent)) {
      counters.discardedByWrite += 1
      return notCached(request, 'DISCARDED_BY_WRITE')
    }
    const copy = request.copier.copy(value)
    if (copy === undefined) return notCached(request, 'NOT_COPYABLE')
    const used = state?.permit ?? (permit === undefined ? undefined : shortened(permit, needed))
    const costMs = now - startedAt
    // The time before the load: a write during it may be invisible to it.
    const sentAt = Math.min(prefetched?.at ?? startedAt, startedAt)
    const soleWriter = request.soleWriter?.covers(sentAt) === true ? request.soleWriter : undefined
    const cached = new CachedValue(copy.value, snapshot, used, {
      queriedAt: prefetched?.at ?? now,
      freshUntil: now + ttlMs,
      costMs,
      bytes: copy.bytes,
      // A prefetch is not specific to a request.
      ownTags: state === undefined ? (request.ownTags ?? NO_TAGS) : NO_TAGS,
      soleWriter,
      sentAt,
    })
    cached.isPrivate = request.copier.recopy !== undefined
    this.#remember(request, cached, now, soleWriter === undefined ? 0 : EXTENDED_MS)
    request.note?.cached(used?.tags ?? request.tags.slice(0, needed))
    const { sharedKey } = request
    if (
      shared === undefined ||
      used === undefined ||
      sharedKey === undefined ||
      request.mayShare?.(value) === false
    )
      return undefined
    const entry = { ...used, times: { queriedAt: clock.wall(), ttlMs, costMs }, value: copy.value }
    const stored = shared.store.set(sharedKey, entry, Math.min(keepMs(policy, ttlMs), shared.store.maxTtlMs))
    stored.then(
      (isStored) => {
        if (isStored) counters.stored += 1
        else counters.unserializable += 1
      },
      (error: unknown) => this.storeFailed(error),
    )
    return undefined
  }

  #remember(request: FetchRequest<unknown>, cached: CachedValue, now: number, atLeastMs = 0): void {
    const leftMs = Math.max(cached.freshUntil - now + keepMs(request.policy, 0), atLeastMs)
    if (leftMs > 0) this.parts.engine.put(request.namespace, request.key, cached, leftMs, now)
  }

  /**
   * XFetch (Vattani, Chierichetti and Lowenstein, 2015): the longer a value took to load and the closer it is
   * to its expiry, the likelier.
   */
  #isDueEarly({ freshUntil, costMs }: CachedValue, { earlyRefresh }: FetchPolicy, now: number): boolean {
    if (earlyRefresh === 0 || costMs === 0) return false
    return now - costMs * earlyRefresh * Math.log(this.parts.random()) >= freshUntil
  }
}

function notCached({ note }: FetchRequest<unknown>, reason: string): string {
  note?.notCached(reason)
  return reason
}

function freshUntilFor({ maxAgeMs }: FetchRequest<unknown>, { freshUntil, queriedAt }: CachedValue): number {
  return maxAgeMs === undefined ? freshUntil : Math.min(freshUntil, queriedAt + maxAgeMs)
}

function shortened(permit: Permit, length: number): Permit {
  const { epoch, tags, stamps, sentAt } = permit
  return tags.length <= length
    ? permit
    : withSendTime({ epoch, tags: tags.slice(0, length), stamps: stamps.slice(0, length) }, sentAt)
}
