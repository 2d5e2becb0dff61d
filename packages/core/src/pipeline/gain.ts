/** Reads of a family that are looked at after a gain. */
const LOOKS = 4_096
/** Reads of a family without gain that are looked at from time to time. */
const RECHECKED = 256
/** A family is looked at again after so many reads, or so long. */
const LEFT = 15 * RECHECKED
const LEFT_MS = 10_000

/** What looking at the reads of one family brought lately. */
export class Gain {
  #looks = LOOKS
  #left = 0
  #leftSince = 0

  /** Looking at one of its reads spared a query, or will: it was merged, found in the cache, or is what a loop walks along. */
  found(): void {
    this.#looks = LOOKS
    this.#left = 0
  }

  /** Whether the next read is left to the database. @param now - Monotonic time in milliseconds. */
  leaves(now: number): boolean {
    if (this.#looks > 0) {
      this.#looks -= 1
      this.#leftSince = now
      return false
    }
    this.#left += 1
    if (this.#left <= LEFT && now - this.#leftSince < LEFT_MS) return true
    this.#left = 0
    this.#looks = RECHECKED - 1
    return false
  }
}
