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
  readonly askedAt: number
  readonly freshUntil: number
  readonly costMs: number
  readonly ownTags: readonly string[]

  constructor(
    readonly value: unknown,
    /** What this process knew of the tags before the value was asked for. */
    readonly snapshot: TagSnapshot,
    /** What the shared store knew of them. */
    readonly permit: Permit | undefined,
    { askedAt, freshUntil, costMs, ownTags }: KeptTerms,
  ) {
    super()
    this.askedAt = askedAt
    this.freshUntil = freshUntil
    this.costMs = costMs
    this.ownTags = ownTags
  }

  override get bytes(): number {
    return OWN_BYTES + estimateBytes(this.value)
  }
}
