import type { MetricsPage } from '../../../src/protocol/index.ts'
import { withUnit } from '../format/numbers.ts'
import { clockTime } from '../format/times.ts'

/**
 * Columns of one chart, of equal length: times in seconds since 1970, and values, some of which are missing.
 */
export interface ChartData {
  readonly times: readonly number[]
  readonly values: readonly (number | null)[]
  readonly upper: readonly (number | null)[]
  readonly median: readonly (number | null)[]
  readonly lower: readonly (number | null)[]
  /** Seconds since 1970; `null` without a forecast. */
  readonly now: number | null
}

/**
 * Combines values and forecast on one time axis, with gaps where no values were recorded. The forecast starts
 * at the last value, so that its band starts on the line.
 */
export function chartDataOf({ points, forecast }: Pick<MetricsPage, 'points' | 'forecast'>): ChartData {
  const past = points.map(([at, value]) => ({
    at,
    value: value as number | null,
    upper: null,
    median: null,
    lower: null,
  }))
  const last = points.at(-1)
  const isJoined =
    forecast !== null && last !== undefined && last[1] !== null && last[0] <= (forecast.points[0]?.at ?? 0)
  if (isJoined && last[1] !== null) past.pop()
  const joint =
    isJoined && last[1] !== null
      ? [{ at: last[0], value: last[1], upper: last[1], median: last[1], lower: last[1] }]
      : []
  const future = (forecast?.points ?? []).map(({ at, lower, value, upper }) => ({
    at,
    value: null,
    upper,
    median: value,
    lower,
  }))
  const rows = [...past, ...joint, ...future].sort((left, right) => left.at - right.at)
  return {
    times: rows.map(({ at }) => at / 1_000),
    values: rows.map(({ value }) => value),
    upper: rows.map(({ upper }) => upper),
    median: rows.map(({ median }) => median),
    lower: rows.map(({ lower }) => lower),
    now: forecast === null ? null : forecast.from / 1_000,
  }
}

/** Describes the values at one index. */
export function valueAt(data: ChartData, index: number, unit: string): string {
  const at = data.times[index]
  if (at === undefined) return ''
  const [value, lower, median, upper] = [
    data.values[index],
    data.lower[index],
    data.median[index],
    data.upper[index],
  ]
  const head = clockTime(at * 1_000)
  if (value !== null && value !== undefined) return `${head}, ${withUnit(value, unit)}`
  if (
    median !== null &&
    median !== undefined &&
    lower !== null &&
    lower !== undefined &&
    upper !== null &&
    upper !== undefined
  )
    return `${head}, forecast ${withUnit(median, unit)}, between ${withUnit(lower, unit)} and ${withUnit(upper, unit)}`
  return `${head}, no value`
}

/**
 * Returns the index after a key press on a chart with `count` values; `undefined` if the chart does not use
 * the key.
 */
export function stepOf(key: string, index: number, count: number): number | undefined {
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: index - 1,
    ArrowRight: index + 1,
    ArrowDown: index - 1,
    ArrowUp: index + 1,
    PageDown: index - 10,
    PageUp: index + 10,
    Home: 0,
    End: count - 1,
  }
  const next = Object.hasOwn(steps, key) ? steps[key] : undefined
  return next === undefined ? undefined : Math.max(0, Math.min(count - 1, next))
}

export function csvOf(metric: string, { times, values, lower, median, upper }: ChartData): string {
  const cell = (value: number | null | undefined): string =>
    value === null || value === undefined ? '' : String(value)
  const lines = times.map((at, index) =>
    [
      new Date(at * 1_000).toISOString(),
      cell(values[index]),
      cell(lower[index]),
      cell(median[index]),
      cell(upper[index]),
    ].join(','),
  )
  return [
    `time,${metric.replaceAll(/[^\w.]/g, '_')},forecast_lower,forecast_median,forecast_upper`,
    ...lines,
    '',
  ].join('\n')
}
