import type { ForecastModelName } from './load-forecaster-options.ts'

/** What a load will be. */
export interface Prediction {
  readonly value: number
  /** The 5th percentile: one load in twenty is below. */
  readonly lower: number
  /** The 95th percentile: one load in twenty is above. */
  readonly upper: number
  /** The 90th percentile: what to be ready for. */
  readonly p90: number
  readonly model: ForecastModelName
  /** The share of forecasts of about the last day, this far ahead, that were within 15 %: from 0 to 1, `undefined` while none has been checked. */
  readonly recentAccuracy: number | undefined
  /** After the latest sample. */
  readonly horizonMinutes: number
}
