import type { StateVisitor } from './forecaster-state.ts'
import type { TimeGrid } from './time-grid.ts'

const DAY_MINUTES = 1440
/** The current day and 8 days before it, as in `LoadHistory`. */
const DAYS = 9
/** Forecasts for a larger factor are more often wrong than right. */
const MOST_GROWTH = 3
/** Maxima of shorter periods are those of one burst. */
const LEAST_PERIOD_MINUTES = 15

/** Maximum of a series over the last 8 days. */
class LoadPeak {
  readonly #days: Float64Array = new Float64Array(DAYS)
  #day = 0
  value: number = 0

  constructor(private readonly stepsPerDay: number) {}

  add(step: number, value: number): void {
    const day = Math.floor(step / this.stepsPerDay)
    if (day > this.#day) {
      for (let passed = Math.max(this.#day, day - DAYS) + 1; passed <= day; passed += 1)
        this.#days[passed % DAYS] = 0
      this.#day = day
      this.value = Math.max(...this.#days)
    }
    const at = day % DAYS
    this.#days[at] = Math.max(this.#days[at] as number, value)
    this.value = Math.max(this.value, value)
  }

  visit(state: StateVisitor): void {
    state.array(this.#days)
    this.#day = state.integer(this.#day, 0)
    this.value = state.number(this.value)
  }
}

/**
 * Measures the growth that a series has proven: the least factor by which each of the last three periods
 * exceeded everything before it. A burst, however high, is a single period.
 */
class ProvenGrowth {
  #third = 0
  #second = 0
  #last = 0
  #period = 0
  /** The maximum before the current period. */
  #before = 0
  #highest = 0

  constructor(private readonly steps: number) {}

  /** @param peak - The maximum before this value. */
  add(step: number, value: number, peak: number): void {
    const period = Math.floor(step / this.steps)
    if (period > this.#period) {
      const isNext = period === this.#period + 1
      this.#third = isNext ? this.#second : 0
      this.#second = isNext ? this.#last : 0
      this.#last = isNext && this.#before > 0 ? Math.min(MOST_GROWTH, this.#highest / this.#before) : 0
      this.#period = period
      this.#before = peak
      this.#highest = 0
    }
    this.#highest = Math.max(this.#highest, value)
  }

  /** From 1 to 3. */
  get factor(): number {
    return Math.max(1, Math.min(this.#third, this.#second, this.#last))
  }

  visit(state: StateVisitor): void {
    this.#third = state.number(this.#third)
    this.#second = state.number(this.#second)
    this.#last = state.number(this.#last)
    this.#period = state.integer(this.#period, 0)
    this.#before = state.number(this.#before)
    this.#highest = state.number(this.#highest)
  }
}

/**
 * Determines how high a load can be, judged by its maximum: extrapolations of growth have no limit, and of a
 * burst after zeros they are absurd.
 */
export class LoadCeiling {
  readonly #peak: LoadPeak
  readonly #daily: ProvenGrowth
  readonly #byHorizon: readonly ProvenGrowth[]

  constructor(grid: TimeGrid, horizonsMinutes: readonly number[]) {
    this.#peak = new LoadPeak(grid.stepsPerDay)
    this.#daily = new ProvenGrowth(grid.stepsOf(DAY_MINUTES))
    this.#byHorizon = horizonsMinutes.map(
      (minutes) => new ProvenGrowth(grid.stepsOf(Math.max(LEAST_PERIOD_MINUTES, minutes))),
    )
  }

  /** Adds a value, or another one of the latest step. */
  add(step: number, value: number): void {
    this.#daily.add(step, value, this.#peak.value)
    for (const growth of this.#byHorizon) growth.add(step, value, this.#peak.value)
    this.#peak.add(step, value)
  }

  /** The maximum of the last 8 days, times the growth that is proven by days or by periods of the horizon. */
  at(horizon: number): number {
    return this.#peak.value * Math.max(this.#daily.factor, this.#byHorizon[horizon]?.factor ?? 1)
  }

  visit(state: StateVisitor): void {
    for (const part of [this.#peak, this.#daily, ...this.#byHorizon]) part.visit(state)
  }
}
