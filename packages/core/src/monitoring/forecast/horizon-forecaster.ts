import { ExpertMixture } from './expert-mixture.ts'
import { type ForecastModel, ForecastRecord } from './forecast-model.ts'
import type { ForecastModelName, StateVisitor } from './forecaster-state.ts'
import { PredictionInterval } from './prediction-interval.ts'
import type { LoadContext } from './present-load.ts'
import type { TimeGrid } from './time-grid.ts'

const ACCURATE_SHARE = 0.15
const ACCURACY_MINUTES: number = 24 * 60
/** Forecasts are at most this multiple of the maximum of the series, times its proven growth. */
const MOST_OF_VALUE = 1.5
/** The same for the upper bound. */
const MOST_OF_UPPER = 2
/** The same while fewer forecasts than this were checked, so that next to nothing is known. */
const MOST_OF_YOUNG_UPPER = 6
const YOUNG_FORECASTS = 20

// One for all forecasters: what is in them is needed while a sample is added, and never after.
const past: ForecastRecord = new ForecastRecord()
const present: ForecastRecord = new ForecastRecord()

/** Forecasts a load so many minutes ahead, with bounds. */
export class HorizonForecaster {
  value: number = 0
  lower: number = 0
  upper: number = 0
  p90: number = 0
  /** Meaningful once `scored` is above 0. */
  accuracy: number = 0
  scored: number = 0
  readonly #minutesBetween: number
  readonly #steps: number
  #learnsFrom = 0
  readonly #model: ForecastModel
  readonly #interval: PredictionInterval = new PredictionInterval()
  readonly #pending: PendingForecasts

  constructor(
    readonly minutes: number,
    grid: TimeGrid,
    model: ForecastModelName,
  ) {
    const steps = grid.stepsOf(minutes)
    this.#steps = steps
    this.#model = model === 'linear' ? new LinearModel(steps) : new ExpertMixture(steps)
    this.#pending = new PendingForecasts(steps)
    this.#minutesBetween = this.#pending.every * grid.stepMinutes
  }

  /** How much the logarithm of the latest value differs from its forecast; `NaN` where there is none. */
  surprise({ history, scale }: LoadContext): number {
    return this.#pending.read(history.step, past)
      ? scale.log(history.last) - scale.log(past.value)
      : Number.NaN
  }

  /** Moves to a new level of the load. Pending forecasts are dropped, because they teach nothing about it. */
  translate(shift: number, step: number): void {
    this.#model.translate(shift)
    this.#learnsFrom = step
  }

  /** Learns from the latest value, where it was forecast. */
  learn({ history, scale }: LoadContext, isUncertain: boolean): void {
    if (!this.#pending.read(history.step, past)) return
    const log = scale.log(history.last)
    if (!isUncertain && history.step - this.#steps >= this.#learnsFrom)
      this.#model.learn(past, history.last, log, this.#minutesBetween)
    this.#interval.learn(past, log)
    this.#scoreAccuracy(history.last)
  }

  #scoreAccuracy(actual: number): void {
    this.scored += 1
    const isAccurate = Math.abs(past.value - actual) <= ACCURATE_SHARE * actual
    const rate = Math.max(1 / this.scored, 1 - Math.exp(-this.#minutesBetween / ACCURACY_MINUTES))
    this.accuracy += rate * ((isAccurate ? 1 : 0) - this.accuracy)
  }

  /** @param ceiling - See `LoadCeiling`. */
  forecast(context: LoadContext, ceiling: number): void {
    const { scale, history } = context
    const most = MOST_OF_VALUE * ceiling
    this.value = Math.min(most, this.#model.forecast(context, present, most))
    present.value = this.value
    present.logValue = scale.log(this.value)
    const logP90 = this.#interval.surround(present)
    const mostOfUpper = this.scored < YOUNG_FORECASTS ? MOST_OF_YOUNG_UPPER : MOST_OF_UPPER
    present.logUpper = Math.min(present.logUpper, scale.log(mostOfUpper * ceiling))
    // Rounding must not put the value outside.
    this.lower = Math.min(this.value, scale.exp(present.logLower))
    this.upper = Math.max(this.value, Math.min(mostOfUpper * ceiling, scale.exp(present.logUpper)))
    this.p90 = Math.max(this.value, Math.min(this.upper, scale.exp(logP90)))
    this.#pending.keep(history.step, present)
  }

  visit(state: StateVisitor): void {
    this.value = state.number(this.value)
    this.lower = state.number(this.lower)
    this.upper = state.number(this.upper)
    this.p90 = state.number(this.p90)
    this.accuracy = state.number(this.accuracy)
    this.scored = state.integer(this.scored, 0)
    this.#learnsFrom = state.integer(this.#learnsFrom, 0)
    this.#model.visit(state)
    this.#interval.visit(state)
    this.#pending.visit(state)
  }
}

const WINDOW_MINUTES = 30
const LEAST_STEPS = 2

/**
 * A straight line through the values of the last 30 minutes, or through the last two values where steps are
 * longer.
 */
class LinearModel implements ForecastModel {
  /** @param horizon - In steps. */
  constructor(private readonly horizon: number) {}

  forecast({ grid, history }: LoadContext): number {
    const steps = history.recentSteps(Math.max(LEAST_STEPS, grid.stepsOf(WINDOW_MINUTES)))
    if (steps < LEAST_STEPS) return history.last
    const middle = (steps - 1) / 2
    let sum = 0
    let product = 0
    for (let at = 0; at < steps; at += 1) {
      const value = history.recent(steps - 1 - at)
      sum += value
      product += (at - middle) * value
    }
    const slope = (product * 12) / (steps * (steps * steps - 1))
    return Math.max(0, sum / steps + slope * (middle + this.horizon))
  }

  learn(): void {}

  translate(): void {}

  visit(): void {}
}

const SCALARS = 6
const blank: ForecastRecord = new ForecastRecord()
const WIDTH: number = partsOf(blank).reduce((width, part) => width + part.length, SCALARS)
/** For long horizons, not each step's forecast is stored: this total is enough to learn from. */
const MAX_FORECASTS = 12

/** Forecasts of one horizon that wait for the actual value. */
class PendingForecasts {
  /** Number of steps per stored forecast. */
  readonly every: number
  readonly #slots: number
  /** The steps at which they were made; -1 in a slot that is empty. */
  readonly #forecastAt: Float64Array
  readonly #rows: Float32Array

  /** @param horizon - In steps. */
  constructor(private readonly horizon: number) {
    this.every = Math.ceil(horizon / MAX_FORECASTS)
    this.#slots = Math.floor(horizon / this.every) + 1
    this.#forecastAt = new Float64Array(this.#slots).fill(-1)
    this.#rows = new Float32Array(this.#slots * WIDTH)
  }

  /** Stores the forecast of a step, if it is one of those that are stored. */
  keep(step: number, record: ForecastRecord): void {
    if (step % this.every !== 0) return
    const slot = this.#slotOf(step)
    this.#forecastAt[slot] = step
    let at = slot * WIDTH
    const rows = this.#rows
    for (const part of partsOf(record))
      for (let index = 0; index < part.length; index += 1, at += 1) rows[at] = part[index] as number
    rows[at] = record.stackBase
    rows[at + 1] = record.value
    rows[at + 2] = record.logValue
    rows[at + 3] = record.logLower
    rows[at + 4] = record.logUpper
    rows[at + 5] = record.spread
  }

  /**
   * Reads the forecast of a step.
   *
   * @returns Whether there is one.
   */
  read(step: number, record: ForecastRecord): boolean {
    const forecastAt = step - this.horizon
    if (forecastAt < 0 || forecastAt % this.every !== 0) return false
    const slot = this.#slotOf(forecastAt)
    if (this.#forecastAt[slot] !== forecastAt) return false
    const rows = this.#rows
    let at = slot * WIDTH
    for (const part of partsOf(record))
      for (let index = 0; index < part.length; index += 1, at += 1) part[index] = rows[at] as number
    record.stackBase = rows[at] as number
    record.value = rows[at + 1] as number
    record.logValue = rows[at + 2] as number
    record.logLower = rows[at + 3] as number
    record.logUpper = rows[at + 4] as number
    record.spread = rows[at + 5] as number
    return true
  }

  #slotOf(step: number): number {
    return (step / this.every) % this.#slots
  }

  visit(state: StateVisitor): void {
    state.array(this.#forecastAt)
    state.array(this.#rows, 'mayLack')
  }
}

function partsOf({ experts, levels, periods, growths, stack }: ForecastRecord): Float64Array[] {
  return [experts, levels, periods, growths, stack]
}
