import { estimateBytes, Sized } from '../estimate-bytes.ts'
import type { Permit } from './shared-reads.ts'
import type { TagSnapshot } from './tag-table.ts'

/** What a kept value takes besides the value: itself, the tags' states, and its times. */
const OWN_BYTES = 240

/** A value in this process's memory, and what it is valid under. */
export class KeptValue extends Sized {
  constructor(
    readonly value: unknown,
    /** What this process knew of the tags before the value was asked for. */
    readonly snapshot: TagSnapshot,
    /** What the shared store knew of them. */
    readonly permit: Permit | undefined,
    /** Monotonic time until which it is fresh, in milliseconds. */
    readonly freshUntil: number,
    /** How long making it took, in milliseconds. */
    readonly costMs: number,
  ) {
    super()
  }

  override get bytes(): number {
    return OWN_BYTES + estimateBytes(this.value)
  }
}
