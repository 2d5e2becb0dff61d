import { median } from '../../../shared/median.ts'
import type { LoadContext } from '../load-context.ts'
import { EXPERT } from './expert-names.ts'

/** What former days say of the moment that is forecast, in logarithms; `NaN` where they say nothing. */
export interface DailyOutlook {
  /** The load around that time of day, one and seven days ago. */
  readonly dayAgo: number
  readonly weekAgo: number
  /** The median of up to seven days. */
  readonly profile: number
  /** How much the load rose from this time of day to that, one, two and seven days ago. */
  readonly dayGrowth: number
  readonly secondDayGrowth: number
  readonly weekGrowth: number
  /** The median of the three. */
  readonly growth: number
}

const AROUND_MINUTES = 30
const BASE_MINUTES = 15
/** How long before the same time of the earliest day the series has to have begun for a growth to be known. */
const LEAST_BEFORE_MINUTES = 60

export function dailyOutlook(context: LoadContext, horizon: number): DailyOutlook {
  const dayAgo = daysAgo(context, 1, horizon)
  const secondDayAgo = daysAgo(context, 2, horizon)
  const weekAgo = daysAgo(context, 7, horizon)
  const between = [3, 4, 5, 6].map((days) => daysAgo(context, days, horizon))
  const profile = median([dayAgo, secondDayAgo, ...between, weekAgo]) ?? Number.NaN
  const dayGrowth = dayAgo - baseOf(context, 1)
  const secondDayGrowth = secondDayAgo - baseOf(context, 2)
  const weekGrowth = weekAgo - baseOf(context, 7)
  const growth = median([dayGrowth, secondDayGrowth, weekGrowth]) ?? Number.NaN
  return { dayAgo, weekAgo, profile, dayGrowth, secondDayGrowth, weekGrowth, growth }
}

/** The load around the moment that is forecast, as it was days ago. */
function daysAgo({ grid, history, scale }: LoadContext, days: number, horizon: number): number {
  const then = history.step - days * grid.stepsPerDay
  if (then < 0) return Number.NaN
  const cells = grid.cellsOf(AROUND_MINUTES)
  // Around a moment that is not over yet, there would be no whole mean.
  const latest = history.step - (cells >> 1) * grid.stepsPerCell
  return scale.log(history.meanAround(Math.min(then + horizon, latest), cells))
}

/** The level of the last quarter of an hour, as it was days ago. */
function baseOf({ grid, history, scale }: LoadContext, days: number): number {
  const then = history.step - days * grid.stepsPerDay
  if (then * grid.stepMinutes < LEAST_BEFORE_MINUTES) return Number.NaN
  const middle = Math.floor(BASE_MINUTES / 2 / grid.stepMinutes)
  return scale.log(history.meanAround(then - middle, grid.cellsOf(BASE_MINUTES)))
}

/** What former days had at the latest moment. */
export function profileNow(context: LoadContext): number {
  return median([1, 2, 3, 4, 5, 6, 7].map((days) => daysAgo(context, days, 0))) ?? Number.NaN
}

/** Experts that know former days: the same time yesterday, the profile of a week, and the growth that was seen at this time of day. */
export function forecastFromDays(context: LoadContext, outlook: DailyOutlook, horizon: number, forecasts: Float64Array): void {
  const { grid, history, scale, present } = context
  forecasts[EXPERT.yesterday] = history.at(history.step + horizon - grid.stepsPerDay)
  forecasts[EXPERT.profile] = scale.exp(outlook.profile)
  forecasts[EXPERT.growth] = scale.exp(present.logMean15 + outlook.growth)
}
