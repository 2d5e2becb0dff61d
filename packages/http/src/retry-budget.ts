/** Limits retries to a share of the requests, plus a burst. */
export class RetryBudget {
  #left: number

  /** @param share - Retries that each request adds, from 0 to 1. */
  constructor(
    private readonly share: number,
    private readonly burst: number,
  ) {
    this.#left = burst
  }

  /** Adds the share of one request. */
  earn(): void {
    if (this.#left < this.burst) this.#left = Math.min(this.burst, this.#left + this.share)
  }

  /** Returns whether another retry is allowed, and counts it. */
  take(): boolean {
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
