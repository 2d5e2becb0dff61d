import type { LoadBalancingEngine } from '@sluice/core'
import { RetryBudget } from './retry-budget.ts'

/** Answers that a node must have given before its times tell anything. */
const MIN_REQUESTS = 100
/** Quantiles change slowly, and are not for nothing. */
const KEPT_MS = 1_000

export interface HedgeOptions {
  /**
   * When a second node is asked: when the answer has taken longer than this share of those of the node that has the quickest tail, or milliseconds.
   * Minimum: `1`.
   * @defaultValue 'p95'
   */
  readonly after?: 'p50' | 'p95' | 'p99' | number
  /**
   * Second requests for each request, on average, at most: `0.1` is one for ten. From `0` to `1`.
   * @defaultValue 0.1
   */
  readonly budget?: number
  /**
   * Second requests that may be made at once. Minimum: `1`.
   * @defaultValue 10
   */
  readonly burst?: number
}

/** When to ask a second node though the first has not failed. Source: Dean and Barroso, The Tail at Scale, 2013. */
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

  /** Milliseconds after which a second node is asked; `undefined` while that is not known. */
  afterMs(): number | undefined {
    const { after } = this.options
    this.#budget.earn()
    if (typeof after === 'number') return after
    const now = this.now()
    if (now - this.#lookedAt >= KEPT_MS) {
      this.#lookedAt = now
      // A slow node's own times would have its requests wait as long as they do.
      const known = this.balancer.getClusterStats().nodes.filter(({ requests }) => requests >= MIN_REQUESTS)
      const tails = known.map((node) => node[after]).filter((ms) => ms > 0)
      this.#afterMs = tails.length === 0 ? undefined : Math.max(1, Math.min(...tails))
    }
    return this.#afterMs
  }

  /** Whether there may be one more. */
  take(): boolean {
    return this.#budget.take()
  }
}
