/** Reads of a family that are looked at after a gain. */
const LOOKS = 1_024
/** Reads of a family without gain that are looked at from time to time: one of 32, and these at most. */
const RECHECKED = 128
const LEFT_FOR_EACH = 31
/** A family is looked at again after so many reads, or so long. */
const LEFT = LEFT_FOR_EACH * RECHECKED
const LEFT_MS = 10_000
/** Of so many reads that are left, one reads the clock. */
const TIMED = 16

/** What looking at the reads of one family brought lately. */
export class Gain {
  #looks = LOOKS
  #left = 0
  #leftSince = 0

  /** Looking at one of its reads spared a query, or will: it was merged, found in the cache, or a loop walks along its rows. */
  found(): void {
    this.#looks = LOOKS
    this.#left = 0
  }

  /** Whether the next read is left to the database. @param now - Monotonic time in milliseconds. */
  leaves(now: () => number): boolean {
    if (this.#looks > 0) return false
    this.#left += 1
    const isTimed = this.#left % TIMED === 0
    if (this.#left <= LEFT && !(isTimed && now() - this.#leftSince >= LEFT_MS)) return true
    this.#looks = Math.min(RECHECKED, Math.ceil(this.#left / LEFT_FOR_EACH))
    this.#left = 0
    return false
  }

  /** One of its reads is looked at. @param now - Monotonic time in milliseconds. */
  looked(now: () => number): void {
    this.#looks -= 1
    if (this.#looks === 0) this.#leftSince = now()
  }
}
