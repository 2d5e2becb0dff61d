import type { StateVisitor } from './forecaster-state.ts'
import type { TimeGrid } from './time-grid.ts'

const RECENT_STEPS = 128
const MAX_DAYS = 8
/** So that a mean around a moment eight days ago is whole. */
const MORE_CELLS = 16
/** `Float32Array` bears it. */
const MOST_RESCALED = 1e36

/**
 * Stored history of a series: the last steps individually, in which a missing value is the previous one, and
 * the means of cells for 8 days, in which a missing one is `NaN`.
 */
export class LoadHistory {
  readonly #recent: Float32Array = new Float32Array(RECENT_STEPS)
  readonly #cells: Float32Array
  /** The latest step that has a value; -1 before the first one. */
  step: number = -1
  cell: number = -1
  last: number = 0
  #cellSum = 0
  #cellValues = 0

  constructor(private readonly grid: TimeGrid) {
    this.#cells = new Float32Array(grid.cellsPerDay * MAX_DAYS + MORE_CELLS).fill(Number.NaN)
  }

  get isEmpty(): boolean {
    return this.step < 0
  }

  /** @param step - Later than the latest one; those between the two are missing. */
  add(step: number, value: number): void {
    const gapFrom = Math.max(this.step + 1, step - RECENT_STEPS + 1)
    for (let missing = gapFrom; missing < step; missing += 1) this.#recent[missing % RECENT_STEPS] = this.last
    this.#enterCell(Math.floor(step / this.grid.stepsPerCell))
    this.step = step
    this.last = value
    this.#recent[step % RECENT_STEPS] = value
    this.#cellSum += value
    this.#cellValues += 1
  }

  replace(value: number): void {
    this.#cellSum += value - this.last
    this.last = value
    this.#recent[this.step % RECENT_STEPS] = value
  }

  #enterCell(cell: number): void {
    if (cell === this.cell) return
    const length = this.#cells.length
    if (this.cell >= 0) this.#cells[this.cell % length] = this.#cellSum / this.#cellValues
    for (let missing = Math.max(this.cell + 1, cell - length); missing < cell; missing += 1)
      this.#cells[missing % length] = Number.NaN
    this.cell = cell
    this.#cellSum = 0
    this.#cellValues = 0
  }

  /** Multiplies what was before a step, as if it had been at another level. */
  rescale(factor: number, before: number): void {
    for (let step = Math.max(0, this.step - RECENT_STEPS + 1); step < before; step += 1) {
      const at = step % RECENT_STEPS
      this.#recent[at] = Math.min(MOST_RESCALED, (this.#recent[at] as number) * factor)
    }
    const since = Math.floor(before / this.grid.stepsPerCell)
    for (let cell = Math.max(0, this.cell - this.#cells.length + 1); cell < since; cell += 1) {
      const at = cell % this.#cells.length
      this.#cells[at] = Math.min(MOST_RESCALED, (this.#cells[at] as number) * factor)
    }
  }

  /** The mean of a cell; `NaN` where there is none. */
  cellMean(cell: number): number {
    if (cell === this.cell) return this.#cellSum / this.#cellValues
    if (cell < 0 || cell > this.cell || cell <= this.cell - this.#cells.length) return Number.NaN
    return this.#cells[cell % this.#cells.length] as number
  }

  /** The value at a step, or the mean of its cell if the step is no longer stored; `NaN` if there is none. */
  at(step: number): number {
    if (step < 0 || step > this.step) return Number.NaN
    if (this.step - step < RECENT_STEPS) return this.#recent[step % RECENT_STEPS] as number
    return this.cellMean(Math.floor(step / this.grid.stepsPerCell))
  }

  /** The value `stepsAgo` before the latest one; it must be among the last steps. */
  recent(stepsAgo: number): number {
    return this.#recent[(this.step - stepsAgo) % RECENT_STEPS] as number
  }

  /** How many of the last `steps` there are one by one. */
  recentSteps(steps: number): number {
    return Math.min(steps, this.step + 1, RECENT_STEPS)
  }

  /** The mean of the last minutes. */
  meanOfLast(minutes: number): number {
    const steps = this.grid.stepsOf(minutes)
    if (steps > RECENT_STEPS) {
      const cells = this.grid.cellsOf(minutes)
      return this.meanOfCells(this.cell - cells + 1, cells)
    }
    const count = this.recentSteps(steps)
    let sum = 0
    for (let ago = 0; ago < count; ago += 1) sum += this.recent(ago)
    return sum / count
  }

  /** The mean of so many cells around a step; `NaN` where there are none. */
  meanAround(step: number, cells: number): number {
    return this.meanOfCells(Math.round(step / this.grid.stepsPerCell - cells / 2 + 0.49), cells)
  }

  private meanOfCells(from: number, cells: number): number {
    let sum = 0
    let count = 0
    for (let cell = from; cell < from + cells; cell += 1) {
      const mean = this.cellMean(cell)
      if (Number.isNaN(mean)) continue
      sum += mean
      count += 1
    }
    return sum / count
  }

  visit(state: StateVisitor): void {
    state.array(this.#recent)
    state.array(this.#cells, 'mayLack')
    this.step = state.integer(this.step, -1)
    this.cell = state.integer(this.cell, -1)
    this.last = state.number(this.last)
    this.#cellSum = state.number(this.#cellSum)
    this.#cellValues = state.integer(this.#cellValues, 0)
  }
}

/** A day and some more, so that the same time yesterday is always within. */
const RANGE_MINUTES: number = 25 * 60
const LEAST_SHARE = 0.33
const MOST_SHARE = 1.5

/** Range of the load in the last 25 hours: limits the extrapolation of regressions. */
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
