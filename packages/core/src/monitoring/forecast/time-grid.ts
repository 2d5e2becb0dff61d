import type { StateVisitor } from './forecaster-state.ts'

const MINUTE_MS = 60_000
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
