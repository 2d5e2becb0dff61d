import type { LoadHistory } from './load-history.ts'
import type { StateVisitor } from './state-visitor.ts'
import type { TimeGrid } from './time-grid.ts'

/** A day and some more, so that the same time yesterday is always within. */
const RANGE_MINUTES: number = 25 * 60
const LEAST_SHARE = 0.33
const MOST_SHARE = 1.5

/** Between what a load lay in the last 25 hours: regressions must not leave it by much, however they extrapolate. */
export class DayRange {
  #least = 0
  #most = 0

  constructor(private readonly grid: TimeGrid) {}

  /** To be called when a cell begins. */
  update(history: LoadHistory): void {
    const cells = this.grid.cellsOf(RANGE_MINUTES)
    let least = Number.POSITIVE_INFINITY
    let most = 0
    for (let cell = history.cell - cells; cell < history.cell; cell += 1) {
      const mean = history.cellMean(cell)
      if (mean < least) least = mean
      if (mean > most) most = mean
    }
    this.#least = Number.isFinite(least) ? least : 0
    this.#most = most
  }

  clamp(forecast: number, last: number): number {
    return Math.min(Math.max(this.#most, last) * MOST_SHARE, Math.max(this.#least * LEAST_SHARE, forecast))
  }

  visit(state: StateVisitor): void {
    this.#least = state.number(this.#least)
    this.#most = state.number(this.#most)
  }
}
