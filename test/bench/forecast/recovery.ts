import type { BenchFigure } from '../database/report.ts'
import { ACCURATE, HORIZONS_MINUTES, ourForecasts, Score } from './evaluate.ts'
import { tripledSeries } from './series.ts'
import { RECOVERY } from './targets.ts'

const STEPS_A_DAY = 288
const TRIPLED_AT = 8.4

/**
 * How soon forecasts are accurate again after a load tripled. Earlier forecasts cannot be: up to 4 % of an
 * hour ahead.
 */
export function measureRecovery(): BenchFigure[] {
  const at = Math.round(TRIPLED_AT * STEPS_A_DAY)
  const series = tripledSeries(10, at)
  const forecasts = ourForecasts(series, HORIZONS_MINUTES)
  return HORIZONS_MINUTES.map((minutes, index): BenchFigure => {
    const score = new Score()
    for (let step = at; step < at + STEPS_A_DAY; step += 1) {
      const actual = series.values[step] ?? Number.NaN
      const forecast = forecasts[index]?.[step - minutes / series.stepMinutes]?.value ?? Number.NaN
      score.count(Math.abs(forecast - actual) <= ACCURATE * actual)
    }
    const target = RECOVERY[minutes] ?? 0
    return {
      id: `the day after × 3, ${minutes} min: within ±15 %`,
      value: Math.round(score.percent),
      unit: '%',
      target,
      bound: '≥',
    }
  })
}
