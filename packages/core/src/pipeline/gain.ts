/** Number of similar reads that are processed after a gain. */
const LOOKS = 1_024
/** Reads without gain that are rechecked occasionally: 1 of 32, and at most this many at a time. */
const RECHECKED = 128
const LEFT_FOR_EACH = 31
/** Reads are processed again after this many, or after this time. */
const LEFT = LEFT_FOR_EACH * RECHECKED
const LEFT_MS = 10_000
/** Number of reads that pass through for each read of the clock. */
const TIMED = 16

/**
 * The recent benefit of processing similar reads. Without one, they pass through to the database: processing
 * a read costs as much as a fast query, and most apps have reads that are never repeated.
 */
export class Gain {
  #looks = LOOKS
  #left = 0
  #leftSince = 0

  /**
   * Processing one of its reads saved a query, or will save one: it was batched, found in the cache, or a
   * loop iterates over its rows.
   */
  found(): void {
    this.#looks = LOOKS
    this.#left = 0
  }

  /**
   * Whether the next read passes through to the database.
   *
   * @param now - Monotonic time in milliseconds.
   */
  skips(now: () => number): boolean {
    if (this.#looks > 0) return false
    this.#left += 1
    const isTimed = this.#left % TIMED === 0
    if (this.#left <= LEFT && !(isTimed && now() - this.#leftSince >= LEFT_MS)) return true
    this.#looks = Math.min(RECHECKED, Math.ceil(this.#left / LEFT_FOR_EACH))
    this.#left = 0
    return false
  }

  /**
   * Like `skips`, and counts that the read is processed if it does not.
   *
   * @param now - Monotonic time in milliseconds.
   */
  examines(now: () => number): boolean {
    if (this.#looks <= 0 && this.skips(now)) return false
    this.#looks -= 1
    if (this.#looks === 0) this.#leftSince = now()
    return true
  }
}
