import type { StateVisitor } from './forecaster-state.ts'
import type { TimeGrid } from './time-grid.ts'

const LEAST_OFFSET = 1e-3
const OFFSET_SHARE_OF_MEDIAN = 0.02
const LEVEL_MINUTES = 1440

/**
 * Logarithms that bear zeros: `ln(x + offset)`, where the offset is a fiftieth of the series' median.
 * The median is followed by small steps up and down, the level by an average of a day.
 */
export class LogScale {
  #level = 0
  #median = -1
  #offset: number = LEAST_OFFSET

  constructor(private readonly grid: TimeGrid) {}

  /** @param steps - How many the series has, this one included. */
  add(value: number, steps: number): void {
    this.#level += (value - this.#level) * Math.max(1 / steps, this.grid.stepMinutes / LEVEL_MINUTES)
    if (this.#median < 0) this.#median = value
    else {
      const pace = Math.max(0.005, Math.min(0.2, 1 / steps)) * Math.max(this.#median, 1e-6, this.#level * 0.1)
      this.#median += Math.sign(value - this.#median) * pace
    }
    this.#offset = Math.max(LEAST_OFFSET, OFFSET_SHARE_OF_MEDIAN * this.#median)
  }

  rescale(factor: number): void {
    this.#level *= factor
    this.#median *= factor
    this.#offset = Math.max(LEAST_OFFSET, OFFSET_SHARE_OF_MEDIAN * this.#median)
  }

  /** `NaN` of `NaN`. */
  log(value: number): number {
    return Math.log(Math.max(0, value) + this.#offset)
  }

  /** Never below 0. */
  exp(log: number): number {
    return Math.max(0, Math.exp(log) - this.#offset)
  }

  visit(state: StateVisitor): void {
    this.#level = state.number(this.#level)
    this.#median = state.number(this.#median)
    this.#offset = state.number(this.#offset)
  }
}
