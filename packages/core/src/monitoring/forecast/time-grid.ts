import type { StateVisitor } from './forecaster-state.ts'

export const MINUTE_MS = 60_000
const DAY_MS: number = 24 * 60 * MINUTE_MS
const LEAST_CELL_MINUTES = 5

/** Divides a series into steps, each with one value, and into cells, whose means are stored for days. */
export class TimeGrid {
  readonly stepMinutes: number
  readonly stepsPerCell: number
  readonly cellMinutes: number
  readonly cellsPerDay: number
  readonly stepsPerDay: number

  /** @param stepMs - Must divide a day. */
  constructor(readonly stepMs: number) {
    this.stepMinutes = stepMs / MINUTE_MS
    this.stepsPerDay = DAY_MS / stepMs
    let steps = Math.ceil(LEAST_CELL_MINUTES / this.stepMinutes)
    // Seasons are counted in cells: a day has to be a whole number of them.
    while (this.stepsPerDay % steps !== 0) steps += 1
    this.stepsPerCell = steps
    this.cellMinutes = steps * this.stepMinutes
    this.cellsPerDay = this.stepsPerDay / steps
  }

  /** At least one. */
  stepsOf(minutes: number): number {
    return Math.max(1, Math.round(minutes / this.stepMinutes))
  }

  /** At least one. */
  cellsOf(minutes: number): number {
    return Math.max(1, Math.round(minutes / this.cellMinutes))
  }
}

/**
 * Number of consecutive, increasing samples before the current time that indicate that the clock was set
 * back.
 */
const LATE_SAMPLES_OF_A_CLOCK_SET_BACK = 3

/**
 * Determines the step of a sample. Steps are counted from the first sample, and never backwards, regardless
 * of the wall clock. Samples out of order have no step, and after a clock was set back the count continues.
 */
export class StepClock {
  /** That of the latest sample; -1 before the first one. */
  step: number = -1
  #originMs = 0
  #lateSamples = 0
  #lateMs = 0

  constructor(private readonly stepMs: number) {}

  /** @returns The sample's step, or `undefined` when it came too late. */
  stepOf(atMs: number): number | undefined {
    if (this.step < 0) this.#originMs = atMs
    let step = Math.round((atMs - this.#originMs) / this.stepMs)
    if (step < this.step) {
      if (!this.#wasSetBack(atMs)) return undefined
      step = this.step + 1
      this.#originMs = atMs - step * this.stepMs
    }
    this.#lateSamples = 0
    this.step = step
    return step
  }

  #wasSetBack(atMs: number): boolean {
    const follows = this.#lateSamples > 0 && atMs > this.#lateMs
    this.#lateSamples = follows ? this.#lateSamples + 1 : 1
    this.#lateMs = atMs
    return this.#lateSamples >= LATE_SAMPLES_OF_A_CLOCK_SET_BACK
  }

  visit(state: StateVisitor): void {
    this.step = state.integer(this.step, -1)
    this.#originMs = state.number(this.#originMs)
    this.#lateSamples = state.integer(this.#lateSamples, 0, LATE_SAMPLES_OF_A_CLOCK_SET_BACK)
    this.#lateMs = state.number(this.#lateMs)
  }
}

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
