import type { ReadNote } from '../pipeline/explanation.ts'
import type { ValueTypes } from '../pipeline/operation.ts'
import type { Prefetched } from '../pipeline/operation-context.ts'
import type { SoleWriter } from '../pipeline/sole-writer.ts'
import { copyValue, deepFreeze } from '../shared/copy.ts'
import type { BasisPart } from './coherence/read-basis.ts'
import type { TagSnapshot } from './coherence/tag-table.ts'
import { measuredCopy } from './measured-copy.ts'
import { RESULTS } from './namespace-table.ts'

/** How a value is cached and revalidated, with all times resolved to milliseconds. */
export interface FetchPolicy {
  /** Time to live of a value. */
  readonly ttlMs: number
  /** Time to live of `null` and `undefined`; `0`: they are not cached. */
  readonly negativeTtlMs: number
  /** Time after that in which a value is still returned while it is revalidated. */
  readonly swrMs: number
  /**
   * Time after the time to live in which a value is returned if loading fails or takes longer than
   * `softTimeoutMs`.
   */
  readonly graceMs: number
  /** `undefined`: no limit. */
  readonly softTimeoutMs: number | undefined
  /** After that, the caller receives a value within `graceMs`, otherwise an error. `undefined`: no limit. */
  readonly hardTimeoutMs: number | undefined
  /** Share of the time to live that is randomly subtracted, from 0 to 1. */
  readonly jitter: number
  /** How early values are revalidated before they are stale; 0: off. */
  readonly earlyRefresh: number
  /** `refresh`: queries the source regardless of cached values, and caches the result. */
  readonly strategy: 'cache-first' | 'refresh'
  /** With a shared store: whether each read is validated in it, or memory is trusted for a limited time. */
  readonly consistency: 'strict' | 'bounded'
  /**
   * How long a process waits for another process that is loading the same key; 0: each process loads
   * separately.
   */
  readonly loadLockWaitMs: number
}

/** How long a value is retained, fresh or not. */
export function keepMs(policy: FetchPolicy, ttlMs: number): number {
  return ttlMs + Math.max(policy.swrMs, policy.graceMs)
}

/** A requested value, and how to load it. */
export interface FetchRequest<T> {
  readonly namespace: string
  readonly key: string
  /** The key under which processes share the value; `undefined`: they do not share it. */
  readonly sharedKey: string | undefined
  /** The tags that the value depends on. */
  readonly tags: readonly string[]
  /** Number of tags at the end that a value does not depend on if it is complete; see `isComplete`. */
  readonly optionalTags: number
  /** Whether a value does not depend on its optional tags. */
  isComplete?(value: T): boolean
  /**
   * Tags that are specific to this request: a value that was cached without one of them must not be returned
   * for it.
   */
  readonly ownTags?: readonly string[]
  /**
   * Maximum age of a value that another request cached for longer. If omitted, the limit of that request
   * applies.
   */
  readonly maxAgeMs?: number
  readonly policy: FetchPolicy
  /**
   * The proof by which the value may be served beyond its time to live. Omitted if that is a maximum age.
   */
  readonly soleWriter?: SoleWriter | undefined
  readonly types?: ValueTypes | undefined
  /** Queries the source. */
  load(): Promise<T>
  /**
   * Like `load`, for a revalidation in the background, which must not be counted for a request. Default:
   * `load`.
   */
  refresh?(): Promise<T>
  readonly copier: Copier<T>
  /**
   * When, and under which state, the source was queried for the result of `load`, if that was before `load`
   * was called.
   */
  prefetched?(): Prefetched | undefined
  /**
   * Whether the query that was sent differs from the one in the key: the value is then only for its caller.
   */
  hasChangedQuery?(): boolean
  /** Whether a value from the shared store can be the requested one. Default: any value can. */
  accepts?(value: unknown): boolean
  /** Whether other processes may have a value. */
  mayShare?(value: T): boolean
  /** Called with a value that was not loaded for this request. */
  onHit?(value: T): void
  /** Records the explanation of the read. */
  readonly note?: ReadNote | undefined
  /** Collects the dependencies of the value. */
  readonly basis?: BasisPart | undefined
  /**
   * Whether requests that wait for a load share its failure; otherwise, each of them then loads separately.
   */
  readonly sharesErrors: boolean
}

/** The state of a request's tags before its source was queried. */
export interface Before {
  /** Without the optional tags. */
  readonly required: TagSnapshot
  /** `undefined` while a write to one of the optional tags is in flight. */
  readonly all: TagSnapshot | undefined
}

export function requiredTags({ tags, optionalTags }: FetchRequest<unknown>): readonly string[] {
  return optionalTags === 0 ? tags : tags.slice(0, -optionalTags)
}

/** How many of the tags, counted from the first, a value depends on. */
export function neededTags<T>({ tags, optionalTags, isComplete }: FetchRequest<T>, value: T): number {
  return optionalTags > 0 && isComplete?.(value) === true ? tags.length - optionalTags : tags.length
}

export function hasOwnTags(tags: readonly string[], { ownTags }: FetchRequest<unknown>): boolean {
  return ownTags === undefined || ownTags.every((tag) => tags.includes(tag))
}

/**
 * The state that a value depends on; `undefined` if it cannot be determined whether it still holds.
 *
 * @param count - How many of the request's tags it depends on, counted from the first.
 */
export function snapshotOf(
  { tags }: FetchRequest<unknown>,
  count: number,
  before: Before,
): TagSnapshot | undefined {
  return count < tags.length ? before.required : before.all
}

/**
 * Identifies a load. The key of a result is long, has already been hashed, and begins with the name of a
 * client.
 */
export function flightId({ namespace, key }: FetchRequest<unknown>): string {
  return namespace === RESULTS ? key : `\n${namespace}:${key}`
}

/** How a value is returned: unchanged, frozen, or copied for each caller. */
export type CopyMode = 'none' | 'freeze' | 'clone'

/** A copy, and its size in bytes, if that was determined with it. */
interface Copied<T> {
  readonly value: T
  readonly bytes?: number
}

/** How values are cached and returned. */
export interface Copier<T> {
  /**
   * A value that neither this cache nor another caller can modify, or `undefined` if there is no exact copy.
   */
  copy(value: T): Copied<T> | undefined
  /**
   * A copy of the result of `copy`, if no other code has received that since. Default: `copy`, which checks
   * it again.
   */
  recopy?(value: T): T
  /** Whether `copy` returns any value unchanged. */
  readonly isByReference?: boolean
}

export const copiers: Readonly<Record<CopyMode, Copier<unknown>>> = {
  none: { copy: (value) => ({ value }), isByReference: true },
  freeze: { copy: (value) => ({ value: deepFreeze(value) }) },
  clone: { copy: measuredCopy, recopy: copyValue },
}
