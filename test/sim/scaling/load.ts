import { readFile, type Series } from '../../bench/forecast/series.ts'

/** A load to replay. */
export interface Load {
  readonly name: string
  /** Requests per second, for each second. */
  readonly rates: Float64Array
  /** The earlier load, as one mean rate per minute: forecasters have observed it. */
  readonly before: Float64Array
  /** The share of dropped requests that clients retry three seconds later. */
  readonly retries: number
}

const DAY_SECONDS = 86_400
const DAY_MINUTES = 1440
/** The history of a forecaster. */
const BEFORE_DAYS = 8

/**
 * Replays the last days of a series, scaled so that 99.9 % of its values are under a peak.
 *
 * @throws Error if the file is not a series, or is too short.
 */
export function loadOfTrace(path: string, days: number, peak: number): Load {
  const series = readFile(path)
  if (series === undefined) throw new Error(`${path} cannot be replayed.`)
  const { values, stepMinutes } = filled(series)
  const count = Math.min(Math.round((days * DAY_MINUTES) / stepMinutes), Math.floor(values.length / 2))
  const shown = values.subarray(values.length - count)
  const scale = peak / quantile(shown, 0.999)
  return {
    name: series.name,
    rates: bySecond(shown, stepMinutes, scale),
    before: byMinute(values.subarray(0, values.length - count), stepMinutes, scale),
    retries: 0,
  }
}

/** A day like the one before, with its evening peak and its noise: for runs without a trace. */
export function madeLoad(days: number, peak: number, seed: number): Load {
  const minutes = (days + BEFORE_DAYS) * DAY_MINUTES
  const values = Float64Array.from({ length: minutes / 5 }, (_, at) => shapeOf(at * 5, seed))
  const count = (days * DAY_MINUTES) / 5
  const scale = peak / quantile(values.subarray(values.length - count), 0.999)
  return {
    name: 'made up',
    rates: bySecond(values.subarray(values.length - count), 5, scale),
    before: byMinute(values.subarray(0, values.length - count), 5, scale),
    retries: 0,
  }
}

function shapeOf(minute: number, seed: number): number {
  const day = (2 * Math.PI * minute) / DAY_MINUTES
  const slow = 0.08 * Math.sin(minute / 171 + seed) + 0.05 * Math.sin(minute / 47 + 2 * seed)
  return 1 + 0.55 * Math.sin(day - 2) + 0.2 * Math.sin(2 * day) + slow
}

/** Replaces missing values with the last known one, because a replay needs a load. */
function filled({ values, stepMinutes }: Series): Pick<Series, 'values' | 'stepMinutes'> {
  let last = values.find((value) => !Number.isNaN(value)) ?? 0
  const whole = values.map((value) => {
    if (!Number.isNaN(value)) last = value
    return last
  })
  return { values: whole, stepMinutes }
}

function quantile(values: Float64Array, share: number): number {
  const sorted = values.slice().sort()
  return sorted[Math.floor(share * (sorted.length - 1))] ?? 0
}

/** Linear interpolation between the middles of steps. */
function bySecond(values: Float64Array, stepMinutes: number, scale: number): Float64Array {
  const step = stepMinutes * 60
  return Float64Array.from({ length: values.length * step }, (_, second) => {
    const at = second / step - 0.5
    const from = Math.max(0, Math.floor(at))
    const to = Math.min(values.length - 1, from + 1)
    const share = Math.min(1, Math.max(0, at - from))
    return scale * ((values[from] ?? 0) * (1 - share) + (values[to] ?? 0) * share)
  })
}

function byMinute(values: Float64Array, stepMinutes: number, scale: number): Float64Array {
  const kept = values.subarray(Math.max(0, values.length - (BEFORE_DAYS * DAY_MINUTES) / stepMinutes))
  return Float64Array.from(
    { length: kept.length * stepMinutes },
    (_, minute) => scale * (kept[Math.floor(minute / stepMinutes)] ?? 0),
  )
}

/** The times of events in hours: four times a day, not on full hours. */
function hoursOf(days: number, first: number): number[] {
  const shifts = [2.1, 0.4, 3.3, 1.2, 0.1, 3.7, 2.6, 0.9]
  return Array.from({ length: days * 4 }, (_, at) => at * 6 + first + (shifts[at % shifts.length] ?? 0))
}

/**
 * Each lasts 15 minutes: up to four times the load within 30 s, and back to normal within 5 minutes from
 * minute 10.
 */
export function withFlashCrowds(load: Load): Load {
  return changed(load, 'flash', hoursOf(load.rates.length / DAY_SECONDS, 1), 900, (second) => {
    if (second < 30) return 1 + second / 10
    return second < 600 ? 4 : 4 - (3 * (second - 600)) / 300
  })
}

/**
 * The load almost stops for 4 to 25 minutes, and returns at 2.2 times its rate, which falls back over 5
 * minutes.
 */
export function withOutages(load: Load): Load {
  const lengths = [240, 600, 900, 1500]
  return changed(load, 'outage', hoursOf(load.rates.length / DAY_SECONDS, 0.5), 1800, (second, at) => {
    const length = lengths[at % lengths.length] ?? 0
    if (second < length) return 0.05
    return second < length + 300 ? 1 + 1.2 * (1 - (second - length) / 300) : 1
  })
}

function changed(
  load: Load,
  name: string,
  hours: readonly number[],
  seconds: number,
  factorAt: (second: number, at: number) => number,
): Load {
  const rates = load.rates.slice()
  for (const [at, hour] of hours.entries()) {
    const from = Math.floor(hour * 3600)
    for (let second = 0; second < seconds && from + second < rates.length; second += 1) {
      rates[from + second] = (rates[from + second] ?? 0) * factorAt(second, at)
    }
  }
  return { ...load, name, rates, retries: 0.8 }
}
