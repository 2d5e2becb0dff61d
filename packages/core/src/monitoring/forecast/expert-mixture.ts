import {
  dailyOutlook,
  EXPERT,
  EXPERTS,
  forecastFromDays,
  forecastFromPeriods,
  forecastFromRecent,
  periodicOutlook,
} from './experts/experts.ts'
import { RegressionExperts } from './experts/regression-experts.ts'
import {
  type ForecastRecord,
  HEDGE,
  HITS,
  LEADER,
  MIXTURES,
  STACK,
  STACK_FEATURES,
} from './forecast-model.ts'
import type { StateVisitor } from './forecaster-state.ts'
import type { LoadContext } from './present-load.ts'
import { type LeastSquaresStart, RecursiveLeastSquares } from './recursive-least-squares.ts'
import type { LogScale } from './time-grid.ts'

const HEDGE_SHARPNESS = 8
const LEAST_ERROR = 2
const HITS_SHARPNESS = 0.6
/** The experts whose distance from the hedge the stack weighs. */
const STACKED: readonly number[] = [
  EXPERT.levelRegression,
  EXPERT.periodRegression,
  EXPERT.growth,
  EXPERT.average,
  EXPERT.periodMedian,
]
const STACK_CONSTANT = 0.1
const STACK_START: LeastSquaresStart = {
  forgetting: 0.999,
  weights: new Array(STACK_FEATURES).fill(0),
  variance: 0.05,
}
const MOST_CORRECTION = 0.5
/** The mean of the mixtures is given as long as it lies so close to the best one. */
const MOST_STRAYING = 0.1

/**
 * Forecasts with thirteen experts, which may sleep, and four mixtures of them:
 * - the *hedge*: weights fall exponentially with the percentage errors of about 12 hours;
 * - the *hits*: weights fall exponentially with how often an expert missed in about a day;
 * - the *stack*: the hedge, corrected by a small regression on how far experts lie from it;
 * - the *leader*: the expert that missed least. Loads that jump between two levels need it, as a mean lies
 *   between them.
 *
 * The forecast is the mixtures' mean, weighted by how seldom each missed; where that strays from the best
 * one, the best one. Source: Cesa-Bianchi and Lugosi, _Prediction, Learning, and Games_ (2006), chapter 2.
 */
export class ExpertMixture {
  readonly #regressions: RegressionExperts = new RegressionExperts()
  readonly #losses: ExpertLosses = new ExpertLosses()
  readonly #stack: RecursiveLeastSquares = new RecursiveLeastSquares(STACK_START)

  /** @param horizon - In steps. */
  constructor(private readonly horizon: number) {}

  /** @returns The forecast; `record` gets those of experts and mixtures, and the features. */
  forecast(context: LoadContext, record: ForecastRecord, most: number): number {
    const { horizon } = this
    const { experts } = record
    experts.fill(Number.NaN)
    const daily = dailyOutlook(context, horizon)
    const periodic = periodicOutlook(context, horizon)
    forecastFromRecent(context, horizon, experts)
    forecastFromDays(context, daily, horizon, experts)
    forecastFromPeriods(context, periodic, horizon, experts)
    this.#regressions.forecast(context, daily, periodic, record)
    for (let at = 0; at < EXPERTS; at += 1) experts[at] = Math.min(most, experts[at] as number)
    this.#mix(record)
    experts[STACK] = Math.min(most, this.#correct(context.scale, record))
    return this.#choose(experts)
  }

  learn(record: ForecastRecord, actual: number, log: number, minutes: number): void {
    this.#regressions.learn(record, log)
    // No forecast is within 15% of 0.
    if (actual <= 0) return
    this.#losses.score(record.experts, actual, minutes)
    this.#stack.learn(record.stack, log - record.stackBase, MOST_CORRECTION)
  }

  #mix({ experts }: ForecastRecord): void {
    const { errors, misses } = this.#losses
    let leastError = Number.POSITIVE_INFINITY
    let leastMisses = Number.POSITIVE_INFINITY
    for (let at = 0; at < EXPERTS; at += 1) {
      if (Number.isNaN(experts[at])) continue
      leastError = Math.min(leastError, errors[at] as number)
      leastMisses = Math.min(leastMisses, misses[at] as number)
    }
    const sharpness = HEDGE_SHARPNESS / Math.max(LEAST_ERROR, leastError)
    let hedge = 0
    let hedgeWeight = 0
    let hits = 0
    let hitsWeight = 0
    for (let at = 0; at < EXPERTS; at += 1) {
      const forecast = experts[at] as number
      if (Number.isNaN(forecast)) continue
      const byError = Math.exp(-sharpness * ((errors[at] as number) - leastError))
      hedge += byError * forecast
      hedgeWeight += byError
      const byMisses = Math.exp(-HITS_SHARPNESS * ((misses[at] as number) - leastMisses))
      hits += byMisses * forecast
      hitsWeight += byMisses
      if (misses[at] === leastMisses) experts[LEADER] = forecast
    }
    experts[HEDGE] = hedge / hedgeWeight
    experts[HITS] = hits / hitsWeight
  }

  #correct(scale: LogScale, record: ForecastRecord): number {
    const { experts, stack } = record
    const base = scale.log(experts[HEDGE] as number)
    record.stackBase = base
    stack[0] = STACK_CONSTANT
    for (let at = 0; at < STACKED.length; at += 1) {
      const forecast = experts[STACKED[at] as number] as number
      stack[at + 1] = Number.isNaN(forecast) ? 0 : clamp(scale.log(forecast) - base, 1)
    }
    return scale.exp(base + clamp(this.#stack.estimate(stack), MOST_CORRECTION))
  }

  #choose(experts: Float64Array): number {
    const { misses } = this.#losses
    let best = HEDGE
    for (let at = HEDGE + 1; at < HEDGE + MIXTURES; at += 1)
      if ((misses[at] as number) <= (misses[best] as number)) best = at
    let sum = 0
    let weights = 0
    for (let at = HEDGE; at < HEDGE + MIXTURES; at += 1) {
      const weight = Math.exp((misses[best] as number) - (misses[at] as number))
      sum += weight * (experts[at] as number)
      weights += weight
    }
    const mean = sum / weights
    const leading = experts[best] as number
    return Math.abs(mean - leading) > MOST_STRAYING * leading ? leading : mean
  }

  translate(shift: number): void {
    this.#regressions.translate(shift)
  }

  visit(state: StateVisitor): void {
    this.#regressions.visit(state)
    this.#losses.visit(state)
    this.#stack.visit(state)
  }
}

function clamp(value: number, bound: number): number {
  return Math.max(-bound, Math.min(bound, value))
}

const ERROR_MINUTES: number = 12 * 60
const MISS_MINUTES: number = 24 * 60
const MIXTURE_MISS_MINUTES: number = 48 * 60
/**
 * A forecast this close is a hit, one that is further off than the other a miss, and between them it is
 * something of both.
 */
const HIT = 0.05
const MISS = 0.25

/** How wrong each expert and each mixture was of late, in percent. */
class ExpertLosses {
  /** Mean absolute percentage errors, each counted as 100 at most. */
  readonly errors: Float64Array = new Float64Array(EXPERTS)
  /** How often they missed. */
  readonly misses: Float64Array = new Float64Array(EXPERTS + MIXTURES)
  /**
   * 1 after the first forecast. Before that, an expert counts as good as the hedge: waking up for the first
   * time is not a merit.
   */
  readonly #wasAwake: Float32Array = new Float32Array(EXPERTS + MIXTURES)
  #scored = 0

  /**
   * @param minutes - Passed since the last one was scored.
   * @param actual - Above 0.
   */
  score(forecasts: Float64Array, actual: number, minutes: number): void {
    this.#scored += 1
    const youngest = 1 / (this.#scored + 2)
    const errorRate = Math.max(youngest, rateOf(minutes, ERROR_MINUTES))
    const missRate = Math.max(youngest, rateOf(minutes, MISS_MINUTES))
    const mixtureRate = Math.max(youngest, rateOf(minutes, MIXTURE_MISS_MINUTES))
    for (let at = 0; at < forecasts.length; at += 1) {
      const sleeps = Number.isNaN(forecasts[at])
      if (sleeps && this.#wasAwake[at] === 1) continue
      if (!sleeps) this.#wasAwake[at] = 1
      const forecast = forecasts[sleeps ? HEDGE : at] as number
      const error = Math.abs(forecast - actual) / Math.max(1e-9, actual)
      if (at < EXPERTS)
        this.errors[at] = follow(this.errors[at] as number, Math.min(1, error) * 100, errorRate)
      const miss = Math.max(0, Math.min(1, (error - HIT) / (MISS - HIT))) * 100
      this.misses[at] = follow(this.misses[at] as number, miss, at < EXPERTS ? missRate : mixtureRate)
    }
  }

  visit(state: StateVisitor): void {
    state.array(this.errors)
    state.array(this.misses)
    state.array(this.#wasAwake)
    this.#scored = state.integer(this.#scored, 0)
  }
}

function rateOf(minutes: number, memory: number): number {
  return 1 - Math.exp(-minutes / memory)
}

function follow(average: number, value: number, rate: number): number {
  return average + rate * (value - average)
}
