import type { Prediction } from '../../../src/monitoring/forecast/forecaster-state.ts'
import type { LoadForecaster } from '../../../src/monitoring/forecast/load-forecaster.ts'
import { normal, seeded } from '../seeded.ts'

export const STEP_MS = 300_000
export const STEPS_A_DAY = 288
const START_MS = 1_700_000_000_000

export function timeOf(step: number, stepMs: number = STEP_MS): number {
  return START_MS + step * stepMs
}

/** A load that rises and falls within a day, with this much noise. */
export function dailyLoad(days: number, { noise = 0.05, seed = 1 } = {}): number[] {
  const random = seeded(seed)
  return Array.from(
    { length: days * STEPS_A_DAY },
    (_, step) => (100 + 60 * Math.sin((2 * Math.PI * step) / STEPS_A_DAY)) * Math.exp(noise * normal(random)),
  )
}

/**
 * Adds one value per step; `undefined` is missing.
 *
 * @returns The forecast after each existing value.
 */
export function run(
  forecaster: LoadForecaster,
  values: readonly (number | undefined)[],
  minutes: number,
  from = 0,
): (Prediction | undefined)[] {
  return values.map((value, at) => {
    if (value === undefined) return undefined
    forecaster.add(value, timeOf(from + at))
    return forecaster.predict(minutes)
  })
}

/** The same for several horizons. */
export function runAll(
  forecaster: LoadForecaster,
  values: readonly number[],
  horizons: readonly number[],
): (Prediction | undefined)[][] {
  const forecasts = horizons.map((): (Prediction | undefined)[] => [])
  for (const [step, value] of values.entries()) {
    forecaster.add(value, timeOf(step))
    for (const [at, minutes] of horizons.entries()) forecasts[at]?.push(forecaster.predict(minutes))
  }
  return forecasts
}

/**
 * The share of forecasts at these steps for which the predicate is true for the value `horizon` steps later.
 */
export function shareOf(
  values: readonly number[],
  forecasts: readonly (Prediction | undefined)[],
  horizon: number,
  [from, to]: readonly [number, number],
  holds: (forecast: Prediction, actual: number) => boolean,
): number {
  let held = 0
  for (let step = from; step < to; step += 1) {
    const forecast = forecasts[step]
    if (forecast !== undefined && holds(forecast, values[step + horizon] ?? Number.NaN)) held += 1
  }
  return held / (to - from)
}

export function isAccurate({ value }: Prediction, actual: number): boolean {
  return Math.abs(value - actual) <= 0.15 * actual
}

export function isCovered({ lower, upper }: Prediction, actual: number): boolean {
  return actual >= lower && actual <= upper
}
