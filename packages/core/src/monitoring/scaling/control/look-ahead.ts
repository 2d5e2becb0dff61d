import type { ResolvedControlOptions } from './control-options.ts'
import { type Forecasts, type LoadForecast, percent } from './decision.ts'

/** Added to the startup time. */
const MARGIN_SECONDS = 30
const MINUTE_SECONDS = 60
/** A 90th percentile beyond so many medians says more of the forecast than of the load. */
const MAX_SPREAD = 2

/** Target utilization of the workers while forecasts are accurate. */
const TARGET_WITH_FORECAST = 0.8
/** Target utilization of the workers without forecasts, or while they are wrong. */
export const TARGET = 0.7
/** Forecasts count if at least this share of the recent ones was within 15%. */
const MIN_ACCURACY = 0.5

/** Expected load when workers that are started now are up. */
export interface Ahead {
  /** Requests a second; 0 without a forecast. */
  readonly load: number
  readonly seconds: number
  /** Target utilization of the workers. */
  readonly target: number
  /** Why forecasts do not count. */
  readonly reason?: string
}

/** Scales without forecasts. */
export function lookAtPresent({ startUpSeconds }: ResolvedControlOptions): Ahead {
  const seconds = Math.ceil((startUpSeconds + MARGIN_SECONDS) / MINUTE_SECONDS) * MINUTE_SECONDS
  return { load: 0, seconds, target: TARGET }
}

/** Looks at the minute in which workers that are started now are up, and at the one after it. */
export function lookAhead(forecasts: Forecasts, options: ResolvedControlOptions): Ahead {
  const without = lookAtPresent(options)
  const { seconds: first } = without
  let load = 0
  let seconds = first
  for (const at of [first, first + MINUTE_SECONDS]) {
    const forecast = read(forecasts, at)
    if (forecast === undefined)
      return { ...without, reason: 'There is no forecast yet: only what arrives counts.' }
    const { p50, p90, accuracy } = forecast
    if (accuracy === undefined)
      return { ...without, reason: 'No forecast could be checked yet: only what arrives counts.' }
    if (accuracy < MIN_ACCURACY) {
      return {
        ...without,
        reason: `Only ${percent(accuracy)} of recent forecasts were accurate, so only the current load counts.`,
      }
    }
    const expected = p90 <= MAX_SPREAD * p50 ? p90 : p50
    if (expected > load) {
      load = expected
      seconds = at
    }
  }
  return { load, seconds, target: TARGET_WITH_FORECAST }
}

/** A forecast that cannot be had must not keep anything from being scaled. */
function read(forecasts: Forecasts, seconds: number): LoadForecast | undefined {
  try {
    const forecast = forecasts.at(seconds)
    return forecast !== undefined && Number.isFinite(forecast.p50) && Number.isFinite(forecast.p90)
      ? forecast
      : undefined
  } catch {
    return undefined
  }
}
