/** Number of lags that are remembered: some minutes. */
const MAX_LAGS = 1_000

/** Quantiles of the last values. */
export class Lags {
  readonly #last: number[] = []
  #next = 0

  add(ms: number): void {
    this.#last[this.#next] = ms
    this.#next = (this.#next + 1) % MAX_LAGS
  }

  /**
   * @param share - 0 to 1.
   * @returns 0 if there are no values.
   */
  quantile(share: number): number {
    const sorted = [...this.#last].sort((left, right) => left - right)
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  }
}
