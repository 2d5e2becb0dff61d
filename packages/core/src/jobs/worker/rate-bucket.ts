/** So many tasks of a queue in a time, and no more of them at the start. */
export interface RateLimit {
  /** Minimum: `1`. */
  readonly tasks: number
  /** Milliseconds. Minimum: `1`. */
  readonly perMs: number
}

/**
 * Limits starts to a steady rate. It begins with 1 token: a full bucket would allow twice as many starts
 * initially.
 */
export class RateBucket {
  #tokens = 1
  #at: number

  constructor(
    private readonly limit: RateLimit,
    now: number,
  ) {
    this.#at = now
  }

  /** How many may start now. */
  available(now: number): number {
    const { tasks, perMs } = this.limit
    this.#tokens = Math.min(tasks, this.#tokens + ((now - this.#at) / perMs) * tasks)
    this.#at = now
    return Math.floor(this.#tokens)
  }

  take(count: number): void {
    this.#tokens -= count
  }

  /** Milliseconds until one more may start. */
  waitMs(): number {
    return this.#tokens >= 1 ? 0 : ((1 - this.#tokens) * this.limit.perMs) / this.limit.tasks
  }
}
