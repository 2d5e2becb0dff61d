import { median } from '../../shared/median.ts'
import type { StateVisitor } from './forecaster-state.ts'
import type { DayRange, LoadHistory } from './load-history.ts'
import type { PeriodSearch } from './period-search.ts'
import type { LogScale, TimeGrid } from './time-grid.ts'

const AVERAGE_MINUTES = 10
const TREND_MINUTES = 30
const LEAST_TREND_STEPS = 4

/** A line through the logarithms of the last half hour. */
export interface LogTrend {
  readonly now: number
  readonly slopePerStep: number
}

/** State of the last hour, for all horizons. */
export class PresentLoad {
  last: number = 0
  median5: number = 0
  /** An exponentially weighted average of 10 minutes. */
  average: number = 0
  logLast: number = 0
  logMean15: number = 0
  logMean60: number = 0
  /** How much the logarithm rose in 15 minutes. */
  momentum: number = 0
  /** `undefined` while there are fewer than three values. */
  trend: LogTrend | undefined

  constructor(private readonly grid: TimeGrid) {}

  update(history: LoadHistory, scale: LogScale): void {
    const { stepMinutes } = this.grid
    this.last = history.last
    this.average =
      history.step === 0
        ? history.last
        : this.average + (1 - Math.exp(-stepMinutes / AVERAGE_MINUTES)) * (history.last - this.average)
    const { step } = history
    this.median5 =
      median([
        history.last,
        history.at(step - 1),
        history.at(step - 2),
        history.at(step - 3),
        history.at(step - 4),
      ]) ?? Number.NaN
    this.logLast = scale.log(history.last)
    this.logMean15 = scale.log(history.meanOfLast(15))
    this.logMean60 = scale.log(history.meanOfLast(Math.max(60, 2 * stepMinutes)))
    this.momentum = this.logLast - scale.log(history.at(Math.max(0, history.step - this.grid.stepsOf(15))))
    this.trend = this.#trendOf(history, scale)
  }

  #trendOf(history: LoadHistory, scale: LogScale): LogTrend | undefined {
    const steps = history.recentSteps(Math.max(LEAST_TREND_STEPS, this.grid.stepsOf(TREND_MINUTES)))
    if (steps < 3) return undefined
    const middle = (steps - 1) / 2
    let sum = 0
    let product = 0
    for (let at = 0; at < steps; at += 1) {
      const log = scale.log(history.recent(steps - 1 - at))
      sum += log
      product += (at - middle) * log
    }
    const slopePerStep = (product * 12) / (steps * (steps * steps - 1))
    return { now: sum / steps + slopePerStep * middle, slopePerStep }
  }

  visit(state: StateVisitor): void {
    this.average = state.number(this.average)
  }
}

/** Input of the forecasts of all horizons. */
export interface LoadContext {
  readonly grid: TimeGrid
  readonly history: LoadHistory
  readonly scale: LogScale
  readonly range: DayRange
  readonly periods: PeriodSearch
  readonly present: PresentLoad
}
