import { LoadForecaster } from '../../../packages/core/src/monitoring/forecast/load-forecaster.ts'
import { baselines } from './baselines.ts'
import type { Series } from './series.ts'

const MINUTE_MS = 60_000
export const ACCURATE = 0.15
/** Forecasts of the first part run, but do not count. */
const LEARNT_SHARE = 0.4
const PEAK_SHARE = 0.05
export const HORIZONS_MINUTES: readonly number[] = [5, 15, 60]

/** The accuracy of forecasts of one series for one horizon in minutes; shares in percent. */
export interface Evaluation {
  readonly series: string
  readonly minutes: number
  /**
   * Forecasts within 15 %, by the name of the method. Values of 0 are omitted, as nothing is within 15 % of
   * them.
   */
  readonly accurate: Readonly<Record<string, number>>
  /** The same for the highest 5% of the values. */
  readonly accuratePeaks: Readonly<Record<string, number>>
  /** Values within the interval. */
  readonly covered: number
  /** Values up to the upper bound. */
  readonly below: number
  /** Highest ratio of a forecast, of all, to the maximum of the series until then. */
  readonly overMaximum: number
  /** The same for the upper bounds of the forecasts that count. */
  readonly upperOverMaximum: number
}

export class Score {
  #hits = 0
  #counted = 0

  count(isHit: boolean): void {
    this.#counted += 1
    if (isHit) this.#hits += 1
  }

  get percent(): number {
    return (100 * this.#hits) / this.#counted
  }
}

interface Forecast {
  readonly value: number
  readonly lower: number
  readonly upper: number
}

/** Processes a series once: each value is forecast only from earlier values. */
export function evaluate(series: Series): Evaluation[] {
  const { stepMinutes } = series
  const minutes = [...new Set(HORIZONS_MINUTES.map((horizon) => Math.max(horizon, stepMinutes)))]
  const ours = ourForecasts(series, minutes)
  const others = Object.entries(baselines).map(([name]) => ({
    name,
    forecasts: baselineForecasts(series, name, minutes),
  }))
  return minutes.map((horizon, at) => {
    const mine = ours[at] ?? []
    const covered = new Score()
    const below = new Score()
    eachCounted(series, horizon, (actual, madeAt) => {
      const forecast = mine[madeAt]
      if (forecast === undefined) return
      covered.count(actual >= forecast.lower && actual <= forecast.upper)
      below.count(actual <= forecast.upper)
    })
    const accurateFrom = (least: number): Record<string, number> => {
      const accurate: Record<string, number> = {
        Sluice: accuracyOf(series, horizon, least, (madeAt) => mine[madeAt]?.value),
      }
      for (const { name, forecasts } of others)
        accurate[name] = accuracyOf(series, horizon, least, (madeAt) => forecasts[at]?.[madeAt])
      return accurate
    }
    return {
      series: series.name,
      minutes: horizon,
      accurate: accurateFrom(Number.NEGATIVE_INFINITY),
      accuratePeaks: accurateFrom(peaksFrom(series, horizon)),
      covered: covered.percent,
      below: below.percent,
      overMaximum: overMaximum(series, mine, 0, ({ value }) => value),
      upperOverMaximum: overMaximum(series, mine, LEARNT_SHARE, ({ upper }) => upper),
    }
  })
}

/** The value from which on the highest ones of those that count are. */
function peaksFrom(series: Series, minutes: number): number {
  const counted: number[] = []
  eachCounted(series, minutes, (actual) => counted.push(actual))
  counted.sort((a, b) => b - a)
  return counted[Math.floor(PEAK_SHARE * counted.length)] ?? 0
}

function overMaximum(
  { values }: Series,
  forecasts: readonly (Forecast | undefined)[],
  fromShare: number,
  of: (forecast: Forecast) => number,
): number {
  let maximum = 0
  let highest = 0
  for (const [step, value] of values.entries()) {
    if (value > maximum) maximum = value
    const forecast = forecasts[step]
    if (step < fromShare * values.length) continue
    if (forecast !== undefined && of(forecast) > 0) highest = Math.max(highest, of(forecast) / maximum)
  }
  return highest
}

function eachCounted(
  { values, stepMinutes }: Series,
  minutes: number,
  visit: (actual: number, madeAt: number) => void,
): void {
  const horizon = Math.round(minutes / stepMinutes)
  for (let madeAt = Math.floor(LEARNT_SHARE * values.length); madeAt + horizon < values.length; madeAt += 1) {
    const actual = values[madeAt + horizon] ?? Number.NaN
    if (!Number.isNaN(actual) && !Number.isNaN(values[madeAt])) visit(actual, madeAt)
  }
}

function accuracyOf(
  series: Series,
  minutes: number,
  least: number,
  forecastOf: (madeAt: number) => number | undefined,
): number {
  const score = new Score()
  eachCounted(series, minutes, (actual, madeAt) => {
    if (actual === 0 || actual < least) return
    score.count(Math.abs((forecastOf(madeAt) ?? Number.NaN) - actual) <= ACCURATE * Math.abs(actual))
  })
  return score.percent
}

export function ourForecasts({ values, stepMinutes }: Series, minutes: readonly number[]): Forecast[][] {
  const forecaster = new LoadForecaster({ stepMs: stepMinutes * MINUTE_MS, horizonsMinutes: minutes })
  const forecasts = minutes.map((): Forecast[] => [])
  for (const [step, value] of values.entries()) {
    if (Number.isNaN(value)) continue
    forecaster.add(value, step * stepMinutes * MINUTE_MS)
    for (const [at, horizon] of minutes.entries()) {
      const forecast = forecaster.predict(horizon)
      const made = forecasts[at]
      if (forecast !== undefined && made !== undefined) made[step] = forecast
    }
  }
  return forecasts
}

function baselineForecasts(series: Series, name: string, minutes: readonly number[]): number[][] {
  const baseline = baselines[name]?.(series)
  const forecasts = minutes.map((): number[] => [])
  for (const value of series.values) {
    baseline?.add(value)
    for (const [at, horizon] of minutes.entries()) {
      forecasts[at]?.push(baseline?.predict(Math.round(horizon / series.stepMinutes)) ?? Number.NaN)
    }
  }
  return forecasts
}
