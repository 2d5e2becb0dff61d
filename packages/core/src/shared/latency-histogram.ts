/** Neighbouring buckets differ by a tenth: a quantile is right to 5 %. */
const GAMMA = 1.1
const LEAST_MS = 0.05
const LOG_GAMMA = Math.log(GAMMA)
/** Up to 10 minutes. */
const BUCKETS: number = Math.ceil(Math.log(600_000 / LEAST_MS) / LOG_GAMMA) + 1
const WINDOW_MS = 60_000

/** Quantiles of the times of the last one to two minutes, in memory that does not grow. */
export class LatencyHistogram {
  #current = new Uint32Array(BUCKETS)
  #before = new Uint32Array(BUCKETS)
  #windowAt: number = Number.NEGATIVE_INFINITY

  add(now: number, ms: number): void {
    this.#turn(now)
    const bucket = ms <= LEAST_MS ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / LEAST_MS) / LOG_GAMMA))
    this.#current[bucket] = (this.#current[bucket] ?? 0) + 1
  }

  /**
   * @param quantiles - From 0 to 1, ascending.
   * @returns Milliseconds each; 0 where nothing was added of late.
   */
  quantiles(now: number, quantiles: readonly number[]): number[] {
    this.#turn(now)
    let total = 0
    for (let i = 0; i < BUCKETS; i += 1) total += (this.#current[i] ?? 0) + (this.#before[i] ?? 0)
    if (total === 0) return quantiles.map(() => 0)
    let seen = 0
    let bucket = -1
    return quantiles.map((quantile) => {
      const rank = Math.max(1, Math.ceil(quantile * total))
      while (seen < rank && bucket < BUCKETS - 1) {
        bucket += 1
        seen += (this.#current[bucket] ?? 0) + (this.#before[bucket] ?? 0)
      }
      // The middle of what the bucket holds.
      return bucket <= 0 ? LEAST_MS : LEAST_MS * GAMMA ** (bucket - 0.5)
    })
  }

  #turn(now: number): void {
    const passed = now - this.#windowAt
    if (passed < WINDOW_MS) return
    const before = this.#before
    this.#before = this.#current
    this.#current = before.fill(0)
    if (passed >= 2 * WINDOW_MS) this.#before.fill(0)
    this.#windowAt = now
  }
}
