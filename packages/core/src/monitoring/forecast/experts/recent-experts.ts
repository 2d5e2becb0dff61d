import type { LoadContext } from '../load-context.ts'
import type { LogTrend } from '../present-load.ts'
import { EXPERT } from './expert-names.ts'

const TREND_DIES_MINUTES = 30
/** What goes on now seldom goes on as strongly: a trend counts half. */
const TREND_SHARE = 0.5
const MOST_LOG_CHANGE = 1

/** Experts that know the last half hour: its last value, median and average, and where its trend leads. */
export function forecastFromRecent({ present, scale, grid }: LoadContext, horizon: number, forecasts: Float64Array): void {
  forecasts[EXPERT.last] = present.last
  forecasts[EXPERT.median5] = present.median5
  forecasts[EXPERT.average] = present.average
  if (present.trend !== undefined)
    forecasts[EXPERT.trend] = scale.exp(follow(present.trend, horizon, TREND_DIES_MINUTES / grid.stepMinutes))
}

/** A trend that dies away. @param lifetime - Of the trend, in steps. */
function follow({ now, slopePerStep }: LogTrend, horizon: number, lifetime: number): number {
  const change = TREND_SHARE * slopePerStep * lifetime * (1 - Math.exp(-horizon / lifetime))
  return now + Math.max(-MOST_LOG_CHANGE, Math.min(MOST_LOG_CHANGE, change))
}
