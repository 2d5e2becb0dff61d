import { InvalidOptionError } from '../../shared/errors.ts'
import { checkOptions, type OptionRule, option } from '../../shared/options.ts'

/**
 * `mixture` weighs thirteen experts by how right they were of late; `linear` draws a line through the last 30
 * minutes.
 */
export type ForecastModelName = 'mixture' | 'linear'

export interface LoadForecasterOptions {
  /**
   * How far samples lie apart, in milliseconds: from 1,000 to 3,600,000, and a day must be a multiple of it.
   * @defaultValue 60_000
   */
  readonly stepMs?: number
  /**
   * Horizons in minutes for which forecasts are learned: up to 8 numbers above 0, at most 1,440 each. A
   * horizon that is shorter than a step counts as a step. Forecasts between two horizons are interpolated.
   * @defaultValue [5, 15, 60]
   */
  readonly horizonsMinutes?: readonly number[]
  /** @defaultValue 'mixture' */
  readonly model?: ForecastModelName
}

export interface ResolvedLoadForecasterOptions {
  readonly stepMs: number
  /** Ascending, each once. */
  readonly horizonsMinutes: readonly number[]
  readonly model: ForecastModelName
}

const DAY_MS = 86_400_000
const MOST_HORIZONS = 8
const LONGEST_HORIZON_MINUTES = 1440

const horizon: OptionRule = {
  expected: `one to ${MOST_HORIZONS} numbers above 0, at most ${LONGEST_HORIZON_MINUTES}`,
  accepts: (value) =>
    Array.isArray(value) &&
    value.length >= 1 &&
    value.length <= MOST_HORIZONS &&
    value.every((minutes) => option.positive.accepts(minutes) && minutes <= LONGEST_HORIZON_MINUTES),
}

const rules: Readonly<Record<keyof LoadForecasterOptions, OptionRule>> = {
  stepMs: option.integer(1000, 3_600_000),
  horizonsMinutes: horizon,
  model: option.oneOf('mixture', 'linear'),
}

/** @throws InvalidOptionError */
export function resolveLoadForecasterOptions(options: LoadForecasterOptions): ResolvedLoadForecasterOptions {
  checkOptions(options, rules)
  const stepMs = options.stepMs ?? 60_000
  if (DAY_MS % stepMs !== 0)
    throw new InvalidOptionError('stepMs', 'milliseconds of which a day is a multiple', stepMs)
  const horizonsMinutes = [...new Set(options.horizonsMinutes ?? [5, 15, 60])].sort((a, b) => a - b)
  return { stepMs, horizonsMinutes, model: options.model ?? 'mixture' }
}

/** A forecast of a load. */
export interface Prediction {
  /** At most 1.5 times the maximum of the last 8 days, times the growth that the load has proven: 1 to 3. */
  readonly value: number
  /** The 5th percentile: one load in twenty is below. */
  readonly lower: number
  /**
   * The 95th percentile: one load in twenty is above. At most twice the maximum, times that growth; 6 times
   * for the first 20 forecasts.
   */
  readonly upper: number
  /** The 90th percentile: what to be ready for. */
  readonly p90: number
  readonly model: ForecastModelName
  /**
   * The share of forecasts of about the last day, this far ahead, that were within 15%: from 0 to 1,
   * `undefined` while none has been checked.
   */
  readonly recentAccuracy: number | undefined
  /** After the latest sample. */
  readonly horizonMinutes: number
}
