import type { LoadBalancingEngine } from '@sluice/core'

/** Minimum number of responses from a node before its response times are used. */
const MIN_REQUESTS = 100
/** How long quantiles are cached: they change slowly and are not free to compute. */
const WINDOW_MS = 1_000

export interface HedgeOptions {
  /**
   * Delay of the second request: this quantile of the response times of the node with the fastest tail, or a
   * fixed number of milliseconds. Minimum: `1`.
   * @defaultValue 'p95'
   */
  readonly after?: 'p50' | 'p95' | 'p99' | number
  /**
   * Maximum average number of second requests per request: `0.1` is 1 per 10 requests. From `0` to `1`.
   * @defaultValue 0.1
   */
  readonly budget?: number
  /**
   * Maximum number of second requests at the same time. Minimum: `1`.
   * @defaultValue 10
   */
  readonly burst?: number
}

/**
 * Decides when to send a request to a second node although the first one has not failed. Source: Dean and
 * Barroso, The Tail at Scale, 2013.
 */
export class Hedging {
  readonly #budget: RetryBudget
  #lookedAt: number = Number.NEGATIVE_INFINITY
  #afterMs: number | undefined

  constructor(
    private readonly balancer: LoadBalancingEngine,
    private readonly options: Required<HedgeOptions>,
    private readonly now: () => number,
  ) {
    this.#budget = new RetryBudget(options.budget, options.burst)
  }

  /** Milliseconds after which a second request is sent; `undefined` until that is known. */
  afterMs(): number | undefined {
    const { after } = this.options
    this.#budget.earn()
    if (typeof after === 'number') return after
    const now = this.now()
    if (now - this.#lookedAt >= WINDOW_MS) {
      this.#lookedAt = now
      // If a slow node's response times counted, its requests would wait as long as it takes.
      const known = this.balancer.getClusterStats().nodes.filter(({ requests }) => requests >= MIN_REQUESTS)
      const tails = known.map((node) => node[after]).filter((ms) => ms > 0)
      this.#afterMs = tails.length === 0 ? undefined : Math.max(1, Math.min(...tails))
    }
    return this.#afterMs
  }

  /** Returns whether another second request may be sent, and counts it. */
  take(): boolean {
    return this.#budget.take()
  }
}

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
