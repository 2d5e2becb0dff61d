import { ExpertMixture } from './expert-mixture.ts'
import { type ForecastModel, ForecastRecord } from './forecast-model.ts'
import type { StateVisitor } from './forecaster-state.ts'
import { LinearModel } from './linear-model.ts'
import type { ForecastModelName } from './load-forecaster-options.ts'
import { PendingForecasts } from './pending-forecasts.ts'
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
