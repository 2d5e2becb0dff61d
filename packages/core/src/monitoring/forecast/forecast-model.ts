import { EXPERTS } from './experts/experts.ts'
import { GROWTH_FEATURES, LEVEL_FEATURES, PERIOD_FEATURES } from './experts/regression-features.ts'
import type { StateVisitor } from './forecaster-state.ts'
import type { LoadContext } from './present-load.ts'

/** The mixtures of experts that are weighed against each other: see `ExpertMixture`. */
export const MIXTURES = 4
/** Indexes of the mixtures, after the experts. */
export const HEDGE: number = EXPERTS
export const HITS: number = EXPERTS + 1
export const STACK: number = EXPERTS + 2
export const LEADER: number = EXPERTS + 3
export const STACK_FEATURES = 6

/**
 * A forecast, with everything that is needed to learn from the actual value. Logarithms use the series'
 * scale.
 */
export class ForecastRecord {
  /** The forecasts of the experts, `NaN` from those that sleep, then those of the mixtures. */
  readonly experts: Float64Array = new Float64Array(EXPERTS + MIXTURES)
  readonly levels: Float64Array = new Float64Array(LEVEL_FEATURES)
  readonly periods: Float64Array = new Float64Array(PERIOD_FEATURES)
  readonly growths: Float64Array = new Float64Array(GROWTH_FEATURES)
  readonly stack: Float64Array = new Float64Array(STACK_FEATURES)
  /** The forecast that the stack corrects. */
  stackBase = 0
  value = 0
  logValue = 0
  logLower = 0
  logUpper = 0
  /** The typical size of an error, in logarithms. */
  spread = 1
}

/** Forecasts one horizon, and learns from actual values. */
export interface ForecastModel {
  /**
   * @param most - Higher forecasts of experts count as this.
   * @returns Finite, and at least 0. The data for learning is written to `record`.
   */
  forecast(context: LoadContext, record: ForecastRecord, most: number): number
  /**
   * @param record - The state at the time of the forecast.
   * @param log - Logarithm of `actual` on the series' scale.
   * @param minutes - Time between two forecasts that are learned from.
   */
  learn(record: ForecastRecord, actual: number, log: number, minutes: number): void
  /** @param shift - By how much the logarithm of the load's level changed. */
  translate(shift: number): void
  visit(state: StateVisitor): void
}
