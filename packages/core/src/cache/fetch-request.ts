import type { ReadNote } from '../pipeline/explanation.ts'
import type { ValueTypes } from '../pipeline/operation.ts'
import type { Prefetched } from '../pipeline/operation-context.ts'
import type { TagSnapshot } from './coherence/tag-table.ts'
import type { Copier } from './copiers.ts'
import type { BasisPart } from './derived/read-basis.ts'
import { RESULTS } from './namespace-table.ts'

/** How a value is kept and refreshed; every time resolved, in milliseconds. */
export interface FetchPolicy {
  /** How long a value is fresh. */
  readonly ttlMs: number
  /** The same for `null` and `undefined`; `0`: they are not kept. */
  readonly negativeTtlMs: number
  /** How long after that it is still handed out, while it is refreshed. */
  readonly swrMs: number
  /** How long after it was fresh it is handed out if loading fails or takes longer than `softTimeoutMs`. */
  readonly graceMs: number
  /** `undefined`: the load is waited for. */
  readonly softTimeoutMs: number | undefined
  /** After that the caller is given an error, or what `graceMs` allows. `undefined`: never. */
  readonly hardTimeoutMs: number | undefined
  /** The share of the time to live that is cut off by chance, from 0 to 1. */
  readonly jitter: number
  /** How eagerly values are refreshed before they are stale; 0: not at all. */
  readonly earlyRefresh: number
  /** `refresh`: asks the source, whatever is kept, and keeps the answer. */
  readonly strategy: 'cache-first' | 'refresh'
  /** With a shared store: whether each read is validated in it, or memory is trusted for a bounded time. */
  readonly consistency: 'strict' | 'bounded'
  /** How long one process waits for another that is loading the same key; 0: each loads for itself. */
  readonly fleetWaitMs: number
}

/** How long the value is worth keeping, fresh or not. */
export function keepMs(policy: FetchPolicy, ttlMs: number): number {
  return ttlMs + Math.max(policy.swrMs, policy.graceMs)
}

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
  readonly copier: Copier<T>
  /** When, and under what, the source was asked for what `load` gave, where that was before `load` was called. */
  askedAhead?(): Prefetched | undefined
  /** Whether the source was asked something else than the key says: the value is its caller's alone. */
  hasStrayed?(): boolean
  /** Whether other processes may have a value. */
  mayShare?(value: T): boolean
  /** Told of a value that was not loaded for this request. */
  onHit?(value: T): void
  /** Where it is written down what becomes of it. */
  readonly note?: ReadNote | undefined
  /** Where it is told what the value depends on. */
  readonly basis?: BasisPart | undefined
  /** Whether those who wait for a load share its failure; otherwise each loads for itself then. */
  readonly sharesErrors: boolean
}

/** The states of a request's tags before its value was asked for. */
export interface Before {
  /** Without the optional tags. */
  readonly required: TagSnapshot
  /** `undefined` while a write to one of the optional tags is under way. */
  readonly all: TagSnapshot | undefined
}

export function requiredTags({ tags, optionalTags }: FetchRequest<unknown>): readonly string[] {
  return optionalTags === 0 ? tags : tags.slice(0, -optionalTags)
}

/** How many of the tags, from the first on, a value depends on. */
export function neededTags<T>({ tags, optionalTags, isComplete }: FetchRequest<T>, value: T): number {
  return optionalTags > 0 && isComplete?.(value) === true ? tags.length - optionalTags : tags.length
}

export function hasOwnTags(tags: readonly string[], { ownTags }: FetchRequest<unknown>): boolean {
  return ownTags === undefined || ownTags.every((tag) => tags.includes(tag))
}

/** The state that a value depends on; `undefined`: it cannot be known whether it still holds. */
export function snapshotFor<T>(request: FetchRequest<T>, value: T, before: Before): TagSnapshot | undefined {
  return snapshotOf(request, neededTags(request, value), before)
}

/** The same, by how many of the request's tags it is. */
export function snapshotOf({ tags }: FetchRequest<unknown>, count: number, before: Before): TagSnapshot | undefined {
  return count < tags.length ? before.required : before.all
}

/** Names a load. A result's key is long, has been hashed, and begins with the name of a client. */
export function flightId({ namespace, key }: FetchRequest<unknown>): string {
  return namespace === RESULTS ? key : `\n${namespace}:${key}`
}
