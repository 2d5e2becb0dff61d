import { median } from '../../../shared/median.ts'
import type { LoadContext, LogTrend } from '../present-load.ts'

type ExpertName =
  | 'last'
  | 'median5'
  | 'average'
  | 'trend'
  | 'yesterday'
  | 'profile'
  | 'growth'
  | 'period'
  | 'periodMedian'
  | 'levelRegression'
  | 'periodRegression'
  | 'growthRegression'
  | 'matchPeriod'

/** Index of each expert's forecast in a row. */
export const EXPERT: Readonly<Record<ExpertName, number>> = {
  last: 0,
  median5: 1,
  average: 2,
  trend: 3,
  yesterday: 4,
  profile: 5,
  growth: 6,
  period: 7,
  periodMedian: 8,
  levelRegression: 9,
  periodRegression: 10,
  growthRegression: 11,
  matchPeriod: 12,
}

export const EXPERTS: number = Object.keys(EXPERT).length

const TREND_DIES_MINUTES = 30
/** A trend rarely continues at full strength: it counts half. */
const TREND_SHARE = 0.5
const MOST_LOG_CHANGE = 1

/** Experts that know the last half hour: its last value, median and average, and where its trend leads. */
export function forecastFromRecent(
  { present, scale, grid }: LoadContext,
  horizon: number,
  forecasts: Float64Array,
): void {
  forecasts[EXPERT.last] = present.last
  forecasts[EXPERT.median5] = present.median5
  forecasts[EXPERT.average] = present.average
  if (present.trend !== undefined)
    forecasts[EXPERT.trend] = scale.exp(follow(present.trend, horizon, TREND_DIES_MINUTES / grid.stepMinutes))
}

/**
 * A trend that dies away.
 *
 * @param lifetime - Lifetime of the trend, in steps.
 */
function follow({ now, slopePerStep }: LogTrend, horizon: number, lifetime: number): number {
  const change = TREND_SHARE * slopePerStep * lifetime * (1 - Math.exp(-horizon / lifetime))
  return now + Math.max(-MOST_LOG_CHANGE, Math.min(MOST_LOG_CHANGE, change))
}

/** The forecast of the last periods for the forecast time; `NaN` if there is none. */
export interface PeriodicOutlook {
  /** One period before that moment. */
  readonly ago: number
  /** The median of three periods. */
  readonly median: number
  /** `ago`, moved by how much the load lies above that of a period ago now. */
  readonly shifted: number
}

const SHIFT_STEPS = 6
const MOST_LOG_SHIFT = 1
const UNKNOWN: PeriodicOutlook = { ago: Number.NaN, median: Number.NaN, shifted: Number.NaN }

export function periodicOutlook({ history, scale, periods }: LoadContext, horizon: number): PeriodicOutlook {
  const { period } = periods
  if (period === 0) return UNKNOWN
  const back = Math.ceil(horizon / period) * period
  const then = history.step + horizon - back
  const ago = history.at(then)
  const ofThree = median([ago, history.at(then - period), history.at(then - 2 * period)]) ?? Number.NaN
  let sum = 0
  let known = 0
  for (let step = history.step; step > history.step - SHIFT_STEPS; step -= 1) {
    const shift = scale.log(history.at(step)) - scale.log(history.at(step - back))
    if (Number.isNaN(shift)) continue
    sum += shift
    known += 1
  }
  const shift = Math.max(-MOST_LOG_SHIFT, Math.min(MOST_LOG_SHIFT, sum / known))
  return { ago, median: ofThree, shifted: Number.isNaN(ago) ? ago : scale.exp(scale.log(ago) + shift) }
}

/**
 * Experts that know the periods which were found: what was a period ago, by either way of finding them, and
 * the median of three.
 */
export function forecastFromPeriods(
  { history, periods }: LoadContext,
  outlook: PeriodicOutlook,
  horizon: number,
  forecasts: Float64Array,
): void {
  forecasts[EXPERT.period] = outlook.ago
  forecasts[EXPERT.periodMedian] = outlook.median
  const { matchPeriod } = periods
  const isOther = matchPeriod > 0 && matchPeriod !== periods.period
  forecasts[EXPERT.matchPeriod] = isOther
    ? history.at(history.step + horizon - Math.ceil(horizon / matchPeriod) * matchPeriod)
    : Number.NaN
}

/** The forecast of previous days for the forecast time, in logarithms; `NaN` if there is none. */
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
/**
 * How long before the same time of the earliest day the series has to have begun for a growth to be known.
 */
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
  // The mean around an unfinished moment would be incomplete.
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

/** The level of previous days at the latest moment. */
export function profileNow(context: LoadContext): number {
  return median([1, 2, 3, 4, 5, 6, 7].map((days) => daysAgo(context, days, 0))) ?? Number.NaN
}

/**
 * Experts that know former days: the same time yesterday, the profile of a week, and the growth that was seen
 * at this time of day.
 */
export function forecastFromDays(
  context: LoadContext,
  outlook: DailyOutlook,
  horizon: number,
  forecasts: Float64Array,
): void {
  const { grid, history, scale, present } = context
  forecasts[EXPERT.yesterday] = history.at(history.step + horizon - grid.stepsPerDay)
  forecasts[EXPERT.profile] = scale.exp(outlook.profile)
  forecasts[EXPERT.growth] = scale.exp(present.logMean15 + outlook.growth)
}
