/** Number of similar reads that are processed before the first gain, and at most after the last one. */
const FIRST_LOOKS = 32
const MAX_LOOKS = 1_024
/** About the time that processing a read takes without a gain, in milliseconds. */
const LOOK_MS = 0.05
/** The time of a query before one was measured. */
const QUERY_MS = 8 * LOOK_MS
/** A gain pays for at least this many reads: embedded databases take less time than processing a read. */
const MIN_WORTH = 2
/** Weight of the latest query in the average. */
const WEIGHT = 1 / 8
/** Reads without gain are rechecked occasionally: 1 of 32, and at most this many at a time. */
const RECHECKED = 32
const LEFT_FOR_EACH = 31
/** Reads are processed again after this many, or after this time. */
const LEFT = LEFT_FOR_EACH * RECHECKED
const LEFT_MS = 10_000
/** Number of reads that pass through for each read of the clock. */
const TIMED = 16

/**
 * An account of the time that processing similar reads saves: each costs about `LOOK_MS`, and a gain saves
 * the time of a query. When it is empty, reads pass through to the database: processing a read costs CPU time
 * on each, and most apps have reads that are never repeated.
 */
export class Gain {
  /** Number of reads that can be processed before the account is empty. */
  #looks = FIRST_LOOKS
  #queryMs = QUERY_MS
  #left = 0
  #leftSince = 0

  /**
   * Processing one of its reads saved a query, or will save one: it was batched, found in the cache, or a
   * loop iterates over its rows.
   */
  found(): void {
    this.#looks = Math.min(MAX_LOOKS, this.#looks + Math.max(MIN_WORTH, this.#queryMs / LOOK_MS))
    this.#left = 0
  }

  /** One of its reads was sent, and answered after this many milliseconds. */
  took(ms: number): void {
    this.#queryMs += (ms - this.#queryMs) * WEIGHT
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
    if (this.#looks <= 0) this.#leftSince = now()
    return true
  }
}
