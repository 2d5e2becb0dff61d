import type { ForecastRecord } from './forecast-model.ts'
import type { StateVisitor } from './forecaster-state.ts'

const BINS = 128
const MIDDLE = 64
const BIN_WIDTH = 0.125
/** Residuals of about so many samples count. */
const WINDOW = 1000
const MOST_WEIGHT = 1e6

/** How residuals are spread, of late: each is weighed a little more than the one before. */
class ResidualHistogram {
  readonly #bins: Float32Array = new Float32Array(BINS)
  #weight = 1
  #total = 0

  /** @param residual - In units of the typical one. */
  add(residual: number): void {
    const bin = Math.max(0, Math.min(BINS - 1, Math.floor(residual / BIN_WIDTH) + MIDDLE))
    this.#weight *= 1 + 1 / WINDOW
    this.#bins[bin] = (this.#bins[bin] as number) + this.#weight
    this.#total += this.#weight
    if (this.#weight > MOST_WEIGHT) this.#renormalize()
  }

  #renormalize(): void {
    for (let bin = 0; bin < BINS; bin += 1) this.#bins[bin] = (this.#bins[bin] as number) / this.#weight
    this.#total /= this.#weight
    this.#weight = 1
  }

  /** Something must have been added. */
  quantile(share: number): number {
    const target = this.#total * share
    let below = 0
    for (let bin = 0; bin < BINS; bin += 1) {
      const held = this.#bins[bin] as number
      if (held > 0 && below + held >= target) return (bin - MIDDLE + (target - below) / held) * BIN_WIDTH
      below += held
    }
    return (BINS - MIDDLE) * BIN_WIDTH
  }

  visit(state: StateVisitor): void {
    state.array(this.#bins)
    this.#weight = state.number(this.#weight)
    this.#total = state.number(this.#total)
  }
}

/** Above the upper bound and below the lower one lies this share each. */
const TAIL = 0.05
/** The bounds while nothing is known, in units of the typical residual. */
const YOUNG_BOUND = 2.5
const YOUNG_P90 = 2
/** Number of residuals from which observations count as much as the prior. */
const YOUNG_RESIDUALS = 10
const START_SPREAD = 0.7
const LEAST_SPREAD = 0.005
const LEAST_BOUND = 0.05
const LEAST_P90 = 0.02
const MOST_RESIDUAL = 3
const FAST_RATE = 0.1
const SLOW_RATE = 0.01
const FEEDBACK = 0.03
const LEAST_FEEDBACK = -1.5
const MOST_FEEDBACK = 2
const FEEDBACK_AFTER = 5

/**
 * Bounds of a forecast, in logarithms: quantiles of the observed residuals, in units of their recent size.
 * Each side is widened after a miss and narrowed after a hit, so that its coverage is right regardless of the
 * distribution of the residuals. Source: Gibbs and Candès, _Adaptive Conformal Inference Under Distribution
 * Shift_ (2021), with feedback that is delayed by a horizon.
 */
export class PredictionInterval {
  readonly #residuals: ResidualHistogram = new ResidualHistogram()
  #known = 0
  #fastSpread = 0
  #slowSpread = 0
  #logUpperFactor = 0
  #logLowerFactor = 0

  /**
   * Puts spread and bounds around `record.logValue`.
   *
   * @returns The 90th percentile, as a logarithm.
   */
  surround(record: ForecastRecord): number {
    const spread = this.#spread()
    const upperSpread = spread * Math.exp(this.#logUpperFactor)
    const lowerSpread = spread * Math.exp(this.#logLowerFactor)
    const upper = Math.max(LEAST_BOUND, this.#quantile(1 - TAIL, YOUNG_BOUND))
    const lower = Math.min(-LEAST_BOUND, this.#quantile(TAIL, -YOUNG_BOUND))
    record.spread = spread
    record.logUpper = record.logValue + upper * upperSpread
    record.logLower = record.logValue + lower * lowerSpread
    return (
      record.logValue + Math.min(upper, Math.max(LEAST_P90, this.#quantile(0.9, YOUNG_P90))) * upperSpread
    )
  }

  #spread(): number {
    if (this.#known < 2) return START_SPREAD
    const spread = Math.sqrt((this.#fastSpread ** 2 + this.#slowSpread ** 2) / 2)
    return Math.max(LEAST_SPREAD, (spread * this.#known + 3 * START_SPREAD) / (this.#known + 3))
  }

  #quantile(share: number, young: number): number {
    if (this.#known === 0) return young
    const weight = this.#known / (this.#known + YOUNG_RESIDUALS)
    return weight * this.#residuals.quantile(share) + (1 - weight) * young
  }

  /** @param log - Actual value for the forecast in `record`. */
  learn(record: ForecastRecord, log: number): void {
    const residual = log - record.logValue
    if (this.#known >= FEEDBACK_AFTER) {
      this.#logUpperFactor = fedBack(this.#logUpperFactor, log > record.logUpper)
      this.#logLowerFactor = fedBack(this.#logLowerFactor, log < record.logLower)
    }
    const size = Math.min(MOST_RESIDUAL, Math.abs(residual))
    this.#known += 1
    this.#fastSpread += Math.max(FAST_RATE, 1 / this.#known) * (size - this.#fastSpread)
    this.#slowSpread += Math.max(SLOW_RATE, 1 / this.#known) * (size - this.#slowSpread)
    this.#residuals.add(residual / record.spread)
  }

  visit(state: StateVisitor): void {
    this.#residuals.visit(state)
    this.#known = state.integer(this.#known, 0)
    this.#fastSpread = state.number(this.#fastSpread)
    this.#slowSpread = state.number(this.#slowSpread)
    this.#logUpperFactor = state.number(this.#logUpperFactor)
    this.#logLowerFactor = state.number(this.#logLowerFactor)
  }
}

function fedBack(logFactor: number, missed: boolean): number {
  return Math.max(LEAST_FEEDBACK, Math.min(MOST_FEEDBACK, logFactor + FEEDBACK * ((missed ? 1 : 0) - TAIL)))
}
