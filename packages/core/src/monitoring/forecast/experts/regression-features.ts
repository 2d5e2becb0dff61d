import type { LogScale } from '../log-scale.ts'
import type { PresentLoad } from '../present-load.ts'
import type { DailyOutlook, PeriodicOutlook } from './experts.ts'

export const LEVEL_FEATURES = 9
export const PERIOD_FEATURES = 8
export const GROWTH_FEATURES = 9

/** Replaces an unknown value by 0, or by a known one. */
function known(value: number, otherwise = 0): number {
  return Number.isNaN(value) ? otherwise : value
}

/** Present levels, and the growth of former days. */
export function fillLevelFeatures(
  features: Float64Array,
  { logLast, logMean15, logMean60, momentum }: PresentLoad,
  daily: DailyOutlook,
): void {
  const dayGrowth = known(daily.dayGrowth)
  features[0] = 1
  features[1] = logLast
  features[2] = logMean15
  features[3] = logMean60
  features[4] = dayGrowth
  features[5] = known(daily.weekGrowth, dayGrowth)
  features[6] = known(daily.secondDayGrowth, dayGrowth)
  features[7] = known(daily.dayAgo - logMean15)
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
  features[7] = known(daily.profile - logMean60)
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
  const growth = known(daily.growth)
  const profile = known(daily.profile - logMean15)
  features[0] = 1
  features[1] = logMean15
  features[2] = logLast - logMean15
  features[3] = logMean60 - logMean15
  features[4] = growth
  features[5] = profile
  features[6] = known(daily.weekAgo - logMean15, profile)
  features[7] = Number.isNaN(trend) ? 0 : scale.log(trend) - logMean15
  features[8] = known(daily.weekGrowth, growth)
}
