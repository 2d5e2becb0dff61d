import type { SoleWriter } from '../../pipeline/sole-writer.ts'
import { LoadedValue } from '../cache-entry.ts'
import { estimateBytes } from '../estimate-bytes.ts'
import type { Permit } from './shared-reads.ts'
import type { TagSnapshot } from './tag-table.ts'

/** Size of a cached value besides the value itself: this object, the states of the tags, and the times. */
const OWN_BYTES = 296

/** Times of a value, and the request for which it was loaded. */
export interface CachedValueTerms {
  /** Monotonic time from which its age counts, in milliseconds. */
  readonly queriedAt: number
  /** Monotonic time until which it is fresh, in milliseconds. */
  readonly freshUntil: number
  /** How long loading it took, in milliseconds. */
  readonly costMs: number
  /** Those of its request's own tags under which it is cached. */
  readonly ownTags: readonly string[]
  /** Size of the value in bytes. Default: it is estimated. */
  readonly bytes?: number | undefined
  /** The proof by which it may be fresh for longer. Default: it may not. */
  readonly soleWriter?: SoleWriter | undefined
  /** With `soleWriter`: a monotonic time before its query was sent, in milliseconds. */
  readonly sentAt?: number
}

/** A value in the memory of this process, and the conditions under which it is valid. */
export class CachedValue extends LoadedValue {
  /** In whole milliseconds: unlike fractions, they do not need a heap object. */
  readonly queriedAt: number
  /** Only {@link extend} changes it. */
  freshUntil: number
  readonly #sentAt: number
  readonly #soleWriter: SoleWriter | undefined
  /** Whether it is served beyond its time to live. */
  isExtended = false
  /** In whole microseconds, for the same reason. */
  readonly #costUs: number
  readonly ownTags: readonly string[]
  /** The table's number of changes when the tags were last known to be current. */
  #changesSeen = -1
  #snapshot: TagSnapshot
  #promise: Promise<unknown> | undefined = undefined
  readonly #bytes: number | undefined
  /**
   * Whether no other code has received the value since it was found to be copyable: its next copy needs no
   * check.
   */
  isPrivate = false

  /** @param snapshot - This process's state of the tags, from before the source was queried. */
  constructor(
    readonly value: unknown,
    snapshot: TagSnapshot,
    /** The shared store's state of the tags. */
    readonly permit: Permit | undefined,
    { queriedAt, freshUntil, costMs, ownTags, bytes, soleWriter, sentAt }: CachedValueTerms,
  ) {
    super()
    this.#snapshot = snapshot
    this.queriedAt = Math.floor(queriedAt)
    this.freshUntil = Math.floor(freshUntil)
    this.#costUs = Math.round(costMs * 1_000)
    this.ownTags = ownTags
    this.#bytes = bytes
    this.#soleWriter = soleWriter
    this.#sentAt = Math.floor(sentAt ?? 0)
  }

  /** Call it if the value has expired. It is fresh again for as long as no other process can have written. */
  extend(now: number): void {
    const until = this.#soleWriter?.until(this.#sentAt, now)
    if (until === undefined) return
    this.freshUntil = Math.floor(until)
    this.isExtended = true
  }

  /**
   * Whether no write to its tags began or ended since.
   *
   * @param changes - Number of changes of the tags' table. If it is unchanged since the tags were last found
   * to be current, they are not checked.
   */
  isCurrent(changes: number): boolean {
    if (changes === this.#changesSeen) return true
    if (!this.#snapshot.isCurrent) return false
    this.#changesSeen = changes
    return true
  }

  /** The store confirmed that the value is valid, in a request sent after this snapshot was taken. */
  validated(snapshot: TagSnapshot): void {
    this.#snapshot = snapshot
    this.#changesSeen = -1
  }

  /** This process's state of the tags under which it is valid. */
  get snapshot(): TagSnapshot {
    return this.#snapshot
  }

  /** How long loading it took, in milliseconds. */
  get costMs(): number {
    return this.#costUs / 1_000
  }

  /** The value itself, as one promise for all callers. */
  get promise(): Promise<unknown> {
    this.#promise ??= Promise.resolve(this.value)
    return this.#promise
  }

  override get bytes(): number {
    return OWN_BYTES + (this.#bytes ?? estimateBytes(this.value))
  }
}
