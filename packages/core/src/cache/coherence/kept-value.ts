import { estimateBytes, Sized } from '../estimate-bytes.ts'
import type { Permit } from './shared-reads.ts'
import type { TagSnapshot } from './tag-table.ts'

/** What a kept value takes besides the value: itself, the tags' states, and its times. */
const OWN_BYTES = 264

/** When and for whom a value was asked for. */
export interface KeptTerms {
  /** Monotonic time at which its source was asked, in milliseconds. */
  readonly askedAt: number
  /** Monotonic time until which it is fresh, in milliseconds. */
  readonly freshUntil: number
  /** How long making it took, in milliseconds. */
  readonly costMs: number
  /** The tags of its request's own that it is kept under. */
  readonly ownTags: readonly string[]
}

/** A value in this process's memory, and what it is valid under. */
export class KeptValue extends Sized {
  /** In whole milliseconds, as the times that follow: unlike fractions they need no heap of their own. */
  readonly askedAt: number
  readonly freshUntil: number
  readonly costMs: number
  readonly ownTags: readonly string[]
  /** Its tags were current after so many changes of any tag. */
  #changesSeen = -1
  #snapshot: TagSnapshot
  #promise: Promise<unknown> | undefined = undefined
  /** Whether nobody else has had the value since it was found to be copyable: its next copy needs no check. */
  isPrivate = false

  /** @param snapshot - What this process knew of the tags before the value was asked for. */
  constructor(
    readonly value: unknown,
    snapshot: TagSnapshot,
    /** What the shared store knew of them. */
    readonly permit: Permit | undefined,
    { askedAt, freshUntil, costMs, ownTags }: KeptTerms,
  ) {
    super()
    this.#snapshot = snapshot
    this.askedAt = Math.floor(askedAt)
    this.freshUntil = Math.floor(freshUntil)
    this.costMs = costMs
    this.ownTags = ownTags
  }

  /**
   * Whether no write to its tags began or ended since.
   *
   * @param changes - Of the tags' table. If they are those of the last time, there is no need to look at each tag.
   */
  isCurrent(changes: number): boolean {
    if (changes === this.#changesSeen) return true
    if (!this.#snapshot.isCurrent) return false
    this.#changesSeen = changes
    return true
  }

  /** The shared store knows it to be valid: asked after this snapshot was taken. */
  validated(snapshot: TagSnapshot): void {
    this.#snapshot = snapshot
    this.#changesSeen = -1
  }

  /** The value itself: one promise for all who are given it. */
  get promise(): Promise<unknown> {
    this.#promise ??= Promise.resolve(this.value)
    return this.#promise
  }

  override get bytes(): number {
    return OWN_BYTES + estimateBytes(this.value)
  }
}
