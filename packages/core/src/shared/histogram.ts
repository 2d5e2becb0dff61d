/** Upper bounds in milliseconds, as OpenTelemetry's conventions advise for database clients. */
export const DATABASE_BOUNDS_MS: readonly number[] = [1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000]
/** The same for HTTP servers. */
export const REQUEST_BOUNDS_MS: readonly number[] = [
  5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000,
]

/** Counts durations since it was created. */
export class DurationHistogram {
  /** By bound; the last one counts what is above all of them. */
  readonly counts: number[]
  count = 0
  sumMs = 0

  /** @param boundsMs - Ascending; what is equal to one belongs to it. */
  constructor(readonly boundsMs: readonly number[]) {
    this.counts = new Array(boundsMs.length + 1).fill(0)
  }

  /**
   * @param times - How often it took so long.
   * @returns The place of what counts it.
   */
  add(ms: number, times = 1): number {
    const { boundsMs, counts } = this
    let at = 0
    while (at < boundsMs.length && ms > (boundsMs[at] as number)) at += 1
    counts[at] = (counts[at] as number) + times
    this.count += times
    this.sumMs += ms * times
    return at
  }

  /**
   * The value below which this share of the values (0 to 1) lies, as if they were distributed evenly between
   * two bounds. Values above all bounds count as the last bound.
   */
  quantile(share: number): number {
    const { boundsMs, counts } = this
    let left = share * this.count
    for (const [at, count] of counts.entries()) {
      if (count > 0 && left <= count) {
        const low = at === 0 ? 0 : (boundsMs[at - 1] as number)
        return low + ((boundsMs[at] ?? low) - low) * (left / count)
      }
      left -= count
    }
    return boundsMs.at(-1) ?? 0
  }

  /** Adds all values of a histogram with the same bounds. */
  take(other: DurationHistogram): void {
    for (const [at, count] of other.counts.entries()) this.counts[at] = (this.counts[at] as number) + count
    this.count += other.count
    this.sumMs += other.sumMs
  }
}

/** Neighboring buckets differ by a tenth: a quantile is right to 5%. */
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
    this.#advance(now)
    const bucket = ms <= LEAST_MS ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / LEAST_MS) / LOG_GAMMA))
    this.#current[bucket] = (this.#current[bucket] ?? 0) + 1
  }

  /**
   * @param quantiles - From 0 to 1, ascending.
   * @returns Milliseconds each; 0 where nothing was added of late.
   */
  quantiles(now: number, quantiles: readonly number[]): number[] {
    this.#advance(now)
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
      // The middle of the bucket.
      return bucket <= 0 ? LEAST_MS : LEAST_MS * GAMMA ** (bucket - 0.5)
    })
  }

  #advance(now: number): void {
    const passed = now - this.#windowAt
    if (passed < WINDOW_MS) return
    const before = this.#before
    this.#before = this.#current
    this.#current = before.fill(0)
    if (passed >= 2 * WINDOW_MS) this.#before.fill(0)
    this.#windowAt = now
  }
}
