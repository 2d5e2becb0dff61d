/** How many retries there may be: a share of the requests, and some at once. */
export class RetryBudget {
  #left: number

  /** @param share - What each request adds, 0 to 1. */
  constructor(
    private readonly share: number,
    private readonly burst: number,
  ) {
    this.#left = burst
  }

  /** A request came. */
  earn(): void {
    if (this.#left < this.burst) this.#left = Math.min(this.burst, this.#left + this.share)
  }

  /** Whether there may be one more. */
  take(): boolean {
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
