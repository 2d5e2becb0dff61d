import { type DailyOutlook, EXPERTS, type PeriodicOutlook } from './experts/experts.ts'
import type { StateVisitor } from './forecaster-state.ts'
import type { LoadContext, PresentLoad } from './present-load.ts'
import type { LogScale } from './time-grid.ts'

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

const LEVEL_FEATURES = 9
const PERIOD_FEATURES = 8
const GROWTH_FEATURES = 9

/** Replaces an unknown value by 0, or by a known one. */
function knownOr(value: number, otherwise = 0): number {
  return Number.isNaN(value) ? otherwise : value
}

/** Present levels, and the growth of former days. */
export function fillLevelFeatures(
  features: Float64Array,
  { logLast, logMean15, logMean60, momentum }: PresentLoad,
  daily: DailyOutlook,
): void {
  const dayGrowth = knownOr(daily.dayGrowth)
  features[0] = 1
  features[1] = logLast
  features[2] = logMean15
  features[3] = logMean60
  features[4] = dayGrowth
  features[5] = knownOr(daily.weekGrowth, dayGrowth)
  features[6] = knownOr(daily.secondDayGrowth, dayGrowth)
  features[7] = knownOr(daily.dayAgo - logMean15)
  features[8] = momentum
}

/** Present levels, and what periods and the daily profile say, against the last hour. */
export function fillPeriodFeatures(
  features: Float64Array,
  { logLast, logMean15, logMean60 }: PresentLoad,
  scale: LogScale,
  periodic: PeriodicOutlook,
  daily: DailyOutlook,
): void {
  features[0] = 1
  features[1] = logLast
  features[2] = logMean15
  features[3] = logMean60
  features[4] = Number.isNaN(periodic.ago) ? 0 : scale.log(periodic.ago) - logMean60
  features[5] = Number.isNaN(periodic.median) ? 0 : scale.log(periodic.median) - logMean60
  features[6] = Number.isNaN(periodic.shifted) ? 0 : scale.log(periodic.shifted) - logMean60
  features[7] = knownOr(daily.profile - logMean60)
}

/**
 * How far all that is known lies from the last quarter of an hour.
 *
 * @param trend - The trend expert's forecast.
 */
export function fillGrowthFeatures(
  features: Float64Array,
  { logLast, logMean15, logMean60 }: PresentLoad,
  scale: LogScale,
  trend: number,
  daily: DailyOutlook,
): void {
  const growth = knownOr(daily.growth)
  const profile = knownOr(daily.profile - logMean15)
  features[0] = 1
  features[1] = logMean15
  features[2] = logLast - logMean15
  features[3] = logMean60 - logMean15
  features[4] = growth
  features[5] = profile
  features[6] = knownOr(daily.weekAgo - logMean15, profile)
  features[7] = Number.isNaN(trend) ? 0 : scale.log(trend) - logMean15
  features[8] = knownOr(daily.weekGrowth, growth)
}
