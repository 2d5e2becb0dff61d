import {
  type ForecastRecord,
  fillGrowthFeatures,
  fillLevelFeatures,
  fillPeriodFeatures,
} from '../forecast-model.ts'
import type { StateVisitor } from '../forecaster-state.ts'
import type { LoadContext } from '../present-load.ts'
import { type LeastSquaresStart, RecursiveLeastSquares } from '../recursive-least-squares.ts'
import { type DailyOutlook, EXPERT, type PeriodicOutlook } from './experts.ts'

const START_VARIANCE = 10
/** Errors of more than so many typical ones are cut to it. */
const CLIP_ERRORS = 6
const LEAST_CLIP = 0.02
const LEAST_STEPS = 3
/** Limit for `exp`. */
const MOST_LOG = 50

const LEVELS: LeastSquaresStart = {
  forgetting: 0.9998,
  weights: [0, 1, 0, 0, 0, 0, 0, 0, 0],
  variance: START_VARIANCE,
}
const PERIODS: LeastSquaresStart = {
  forgetting: 0.999,
  weights: [0, 0.5, 0.25, 0.25, 0, 0, 0, 0],
  variance: START_VARIANCE,
}
const GROWTHS: LeastSquaresStart = {
  forgetting: 0.9995,
  weights: [0, 1, 0, 0, 0, 0, 0, 0, 0],
  variance: START_VARIANCE,
}

/** A regression with the typical size of its errors. */
class ClippedRegression {
  readonly #squares: RecursiveLeastSquares
  #error = -1

  constructor(
    start: LeastSquaresStart,
    private readonly mostClip: number,
    private readonly levels: number,
  ) {
    this.#squares = new RecursiveLeastSquares(start)
  }

  estimate(features: Float64Array): number {
    return this.#squares.estimate(features)
  }

  learn(features: Float64Array, log: number): void {
    const error = Math.abs(log - this.#squares.estimate(features))
    if (this.#error < 0) this.#error = error
    const clip = Math.min(this.mostClip, Math.max(LEAST_CLIP, CLIP_ERRORS * this.#error))
    this.#error += 0.02 * (Math.min(error, 3 * this.#error + 1e-3) - this.#error)
    this.#squares.learn(features, log, clip)
  }

  translate(shift: number): void {
    this.#squares.translate(shift, this.levels)
  }

  visit(state: StateVisitor): void {
    this.#error = state.number(this.#error)
    this.#squares.visit(state)
  }
}

/**
 * Experts that learn how to weigh levels, growths and periods: three regressions in logarithms, of different
 * memory.
 */
export class RegressionExperts {
  readonly #levels: ClippedRegression = new ClippedRegression(LEVELS, 1, 3)
  readonly #periods: ClippedRegression = new ClippedRegression(PERIODS, 0.5, 3)
  readonly #growths: ClippedRegression = new ClippedRegression(GROWTHS, 0.5, 1)

  /** To be called after the other experts: one of them is a feature. */
  forecast(
    context: LoadContext,
    daily: DailyOutlook,
    periodic: PeriodicOutlook,
    record: ForecastRecord,
  ): void {
    const { present, scale, history } = context
    const { experts, levels, periods, growths } = record
    fillLevelFeatures(levels, present, daily)
    fillPeriodFeatures(periods, present, scale, periodic, daily)
    fillGrowthFeatures(growths, present, scale, experts[EXPERT.trend] as number, daily)
    if (history.step + 1 < LEAST_STEPS) return
    experts[EXPERT.levelRegression] = forecastOf(context, this.#levels.estimate(levels))
    experts[EXPERT.periodRegression] = forecastOf(context, this.#periods.estimate(periods))
    experts[EXPERT.growthRegression] = forecastOf(context, this.#growths.estimate(growths))
  }

  /** @param log - Actual value for the forecast in `record`. */
  learn(record: ForecastRecord, log: number): void {
    this.#levels.learn(record.levels, log)
    this.#periods.learn(record.periods, log)
    this.#growths.learn(record.growths, log)
  }

  /** Follows a load to another level. */
  translate(shift: number): void {
    this.#levels.translate(shift)
    this.#periods.translate(shift)
    this.#growths.translate(shift)
  }

  visit(state: StateVisitor): void {
    this.#levels.visit(state)
    this.#periods.visit(state)
    this.#growths.visit(state)
  }
}

function forecastOf({ range, scale, present }: LoadContext, log: number): number {
  return range.clamp(scale.exp(Math.min(MOST_LOG, log)), present.last)
}
