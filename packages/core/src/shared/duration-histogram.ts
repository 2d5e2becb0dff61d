/** Upper bounds in milliseconds, as OpenTelemetry's conventions advise for database clients. */
export const DATABASE_BOUNDS_MS: readonly number[] = [1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000]
/** The same for HTTP servers. */
export const REQUEST_BOUNDS_MS: readonly number[] = [5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000]

/** How often something took how long, since it was made. */
export class DurationHistogram {
  /** By bound; the last one counts what is above all of them. */
  readonly counts: number[]
  count = 0
  sumMs = 0

  /** @param boundsMs - Ascending; what is equal to one belongs to it. */
  constructor(readonly boundsMs: readonly number[]) {
    this.counts = new Array(boundsMs.length + 1).fill(0)
  }

  /** @returns The place of what counts it. */
  add(ms: number): number {
    const { boundsMs, counts } = this
    let at = 0
    while (at < boundsMs.length && ms > (boundsMs[at] as number)) at += 1
    counts[at] = (counts[at] as number) + 1
    this.count += 1
    this.sumMs += ms
    return at
  }

  /** The value below which a share of the values lies, 0 to 1, as if they were spread evenly between two bounds. What is above all bounds counts as the last one. */
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

  /** Adds all values of another one with the same bounds. */
  take(other: DurationHistogram): void {
    for (const [at, count] of other.counts.entries()) this.counts[at] = (this.counts[at] as number) + count
    this.count += other.count
    this.sumMs += other.sumMs
  }
}
