import type { Clock } from '../shared/clock.ts'

/** Stacks that may be captured in one burst. */
const BURST = 500

/** Limits captured stacks by a token bucket, so that their cost is a bounded part of each second. */
export class StackBudget {
  #tokens = BURST
  #filledAt: number

  /** @param perSecond - Stacks that may be captured per second. */
  constructor(
    private readonly clock: Clock,
    private readonly perSecond: number,
  ) {
    this.#filledAt = clock.now()
  }

  /**
   * Takes the token of one stack; returns `false` if none is left.
   *
   * @param reserved - Number of tokens that must be left for others.
   */
  take(reserved = 0): boolean {
    const now = this.clock.now()
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#filledAt) * this.perSecond) / 1_000)
    this.#filledAt = now
    if (this.#tokens < 1 + reserved) return false
    this.#tokens -= 1
    return true
  }
}
