import { median } from '../../../shared/median.ts'
import type { LoadContext } from '../load-context.ts'
import { EXPERT } from './expert-names.ts'

/** What the last periods say of the moment that is forecast; `NaN` where they say nothing. */
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

/** Experts that know the periods which were found: what was a period ago, by either way of finding them, and the median of three. */
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
  forecasts[EXPERT.matchPeriod] = isOther ? history.at(history.step + horizon - Math.ceil(horizon / matchPeriod) * matchPeriod) : Number.NaN
}
