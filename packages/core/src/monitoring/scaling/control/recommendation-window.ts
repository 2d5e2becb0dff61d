interface Recommendation {
  readonly at: number
  readonly workers: number
}

/** The highest recommendation of the last while. */
export class RecommendationWindow {
  /** Descending; what is both older and lower can no longer be the highest. */
  #kept: Recommendation[] = []

  constructor(private readonly windowMs: number) {}

  add(now: number, workers: number): void {
    const first = this.#kept.findIndex((one) => one.workers <= workers)
    if (first >= 0) this.#kept.length = first
    this.#kept.push({ at: now, workers })
  }

  /** 0 where there is none. */
  highest(now: number): number {
    this.#kept = this.#kept.filter(({ at }) => at <= now && at >= now - this.windowMs)
    return this.#kept[0]?.workers ?? 0
  }
}
