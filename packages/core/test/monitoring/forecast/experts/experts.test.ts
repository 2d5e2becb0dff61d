import { describe, expect, it } from 'vitest'
import {
  dailyOutlook,
  EXPERT,
  EXPERTS,
  forecastFromDays,
  forecastFromPeriods,
  forecastFromRecent,
  periodicOutlook,
} from '../../../../src/monitoring/forecast/experts/experts.ts'
import { DayRange, LoadHistory } from '../../../../src/monitoring/forecast/load-history.ts'
import { PeriodSearch } from '../../../../src/monitoring/forecast/period-search.ts'
import { type LoadContext, PresentLoad } from '../../../../src/monitoring/forecast/present-load.ts'
import { LogScale, TimeGrid } from '../../../../src/monitoring/forecast/time-grid.ts'
import { STEP_MS, STEPS_A_DAY } from '../series.ts'

function contextOf(steps: number, draw: (step: number) => number): LoadContext {
  const grid = new TimeGrid(STEP_MS)
  const [history, scale, range, periods, present] = [
    new LoadHistory(grid),
    new LogScale(grid),
    new DayRange(grid),
    new PeriodSearch(grid),
    new PresentLoad(grid),
  ]
  for (let step = 0; step < steps; step += 1) {
    history.add(step, draw(step))
    scale.add(draw(step), step + 1)
    range.update(history)
    present.update(history, scale)
  }
  return { grid, history, scale, range, periods, present }
}

function asleep(): Float64Array {
  return new Float64Array(EXPERTS).fill(Number.NaN)
}

describe('forecast experts', () => {
  it('return for the last 30 minutes the last value, the median of 5, an average and the trend', () => {
    const forecasts = asleep()
    forecastFromRecent(
      contextOf(40, (step) => 100 * 1.02 ** step),
      3,
      forecasts,
    )
    const last = 100 * 1.02 ** 39
    expect(forecasts[EXPERT.last]).toBe(last)
    expect(forecasts[EXPERT.median5]).toBeCloseTo(100 * 1.02 ** 37, 3)
    expect(forecasts[EXPERT.average]).toSatisfy(
      (average: number) => average < last && average > 100 * 1.02 ** 37,
    )
    expect(forecasts[EXPERT.trend]).toSatisfy(
      (trend: number) => trend > last * 1.01 && trend < last * 1.02 ** 3,
    )
    expect(forecasts.filter((forecast) => !Number.isNaN(forecast))).toHaveLength(4)
  })

  it('return nothing for days on the first day', () => {
    const forecasts = asleep()
    const context = contextOf(200, () => 100)
    forecastFromDays(context, dailyOutlook(context, 12), 12, forecasts)
    for (const at of [EXPERT.yesterday, EXPERT.profile, EXPERT.growth]) expect(forecasts[at]).toBeNaN()
  })

  it('return for days the value of yesterday, the median of a week, and the growth at that time', () => {
    // The load doubles at noon each day, and was 5 times as high on one day.
    const shape = (step: number): number => (step % STEPS_A_DAY >= 144 ? 200 : 100)
    const context = contextOf(
      7 * STEPS_A_DAY + 138,
      (step) => shape(step) * (Math.floor(step / STEPS_A_DAY) === 6 ? 5 : 1),
    )
    const forecasts = asleep()
    forecastFromDays(context, dailyOutlook(context, 12), 12, forecasts)
    expect(forecasts[EXPERT.yesterday]).toBe(1000)
    expect(forecasts[EXPERT.profile]).toBeCloseTo(200, 0)
    expect(forecasts[EXPERT.growth]).toBeCloseTo(200, 0)
  })

  it('return for periods the value one period ago, the median of three, and the matching one', () => {
    const pattern = [10, 20, 30, 40]
    const context = contextOf(60, (step) => (step === 58 ? 90 : (pattern[step % 4] ?? 0)))
    context.periods.period = 4
    context.periods.matchPeriod = 8
    const forecasts = asleep()
    // The latest step is 59; 3 steps ahead is 62, one period after the value 90.
    forecastFromPeriods(context, periodicOutlook(context, 3), 3, forecasts)
    expect(forecasts[EXPERT.period]).toBe(90)
    expect(forecasts[EXPERT.periodMedian]).toBe(30)
    expect(forecasts[EXPERT.matchPeriod]).toBe(30)
    forecastFromPeriods(context, periodicOutlook(context, 5), 5, forecasts)
    expect(forecasts[EXPERT.period]).toBe(10)
  })

  it('return nothing for periods while no period is known', () => {
    const forecasts = asleep()
    const context = contextOf(60, () => 5)
    forecastFromPeriods(context, periodicOutlook(context, 3), 3, forecasts)
    expect(forecasts.every(Number.isNaN)).toBe(true)
  })
})
