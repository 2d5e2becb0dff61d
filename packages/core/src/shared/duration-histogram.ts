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

  add(ms: number): void {
    const { boundsMs, counts } = this
    let at = 0
    while (at < boundsMs.length && ms > (boundsMs[at] as number)) at += 1
    counts[at] = (counts[at] as number) + 1
    this.count += 1
    this.sumMs += ms
  }

  /** Adds all values of another one with the same bounds. */
  take(other: DurationHistogram): void {
    for (const [at, count] of other.counts.entries()) this.counts[at] = (this.counts[at] as number) + count
    this.count += other.count
    this.sumMs += other.sumMs
  }
}
