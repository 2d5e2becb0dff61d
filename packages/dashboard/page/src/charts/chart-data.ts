import type { MetricsPage } from '../../../src/protocol/index.ts'
import { clockTime, withUnit } from '../format.ts'

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
  const past = points.map(([at, value]): Row => [at, value, null, null, null])
  const future = (forecast?.points ?? []).map(
    ({ at, lower, value, upper }): Row => [at, null, upper, value, lower],
  )
  const [at, value] = points.at(-1) ?? []
  if (at !== undefined && value != null && future[0] !== undefined && at <= future[0][0])
    past[past.length - 1] = [at, value, value, value, value]
  const rows = [...past, ...future].sort(([left], [right]) => left - right)
  const column = (index: 1 | 2 | 3 | 4) => rows.map((row) => row[index])
  return {
    times: rows.map(([time]) => time / 1_000),
    values: column(1),
    upper: column(2),
    median: column(3),
    lower: column(4),
    now: forecast === null ? null : forecast.from / 1_000,
  }
}

type Value = number | null
type Row = readonly [at: number, value: Value, upper: Value, median: Value, lower: Value]

/**
 * Maximum height of a chart, as a multiple of the largest measured or median value, so that a wide band does
 * not flatten the line.
 */
const MOST_OF_BAND = 2.5

/** Returns the value axis: from 0, with room at the top, up to a threshold if values reach 60% of it. */
export function rangeOf(
  { values, median, upper, lower }: ChartData,
  warning: number | null,
  critical: number | null,
): readonly [low: number, high: number] {
  const most = (...columns: ChartData['values'][]) =>
    Math.max(0, ...columns.flat().map((value) => value ?? 0))
  const known = most(values, median)
  const near = [warning, critical].filter((value) => value !== null && known >= value * 0.6)
  const top = most([known, ...near])
  const high = top === 0 ? most(upper) : Math.min(most(upper, [top]), top * MOST_OF_BAND)
  const low = Math.min(0, ...[...values, ...lower].map((value) => value ?? 0))
  return [low, (high || 1) * 1.1]
}

/** Describes the values at one index. */
export function valueAt(data: ChartData, index: number, unit: string): string {
  const at = data.times[index]
  if (at === undefined) return ''
  const [value, lower, median, upper] = [data.values, data.lower, data.median, data.upper].map(
    (column) => column[index] ?? undefined,
  )
  const head = clockTime(at * 1_000)
  const text = (one: number | undefined) => withUnit(one, unit)
  if (value !== undefined) return `${head}, ${text(value)}`
  if (median !== undefined)
    return `${head}, forecast ${text(median)}, between ${text(lower)} and ${text(upper)}`
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
  // Missing values are empty cells.
  const lines = times.map((at, index) =>
    [
      new Date(at * 1_000).toISOString(),
      ...[values, lower, median, upper].map((column) => column[index]),
    ].join(','),
  )
  return [
    `time,${metric.replaceAll(/[^\w.]/g, '_')},forecast_lower,forecast_median,forecast_upper`,
    ...lines,
    '',
  ].join('\n')
}

/** A point in pixels. A missing value is `null`, which is not 0. */
type PathPoint = readonly [x: number, y: number | null]

/**
 * Returns a line as an SVG path. A missing value interrupts it. A single point is a short dash.
 *
 * @param maxGap - Distance of two points up to which they are connected, in pixels.
 */
export function linePath(points: readonly PathPoint[], maxGap = Number.POSITIVE_INFINITY): string {
  const isConnected = (left: PathPoint | undefined, right: PathPoint | undefined) =>
    left !== undefined &&
    right !== undefined &&
    left[1] !== null &&
    right[1] !== null &&
    right[0] - left[0] <= maxGap
  return points
    .map((point, index) => {
      const [x, y] = point
      if (y === null) return ''
      if (isConnected(points[index - 1], point)) return `L${rounded(x)} ${rounded(y)}`
      return `M${rounded(x)} ${rounded(y)}${isConnected(point, points[index + 1]) ? '' : 'h1'}`
    })
    .join('')
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

const HOUR = 3_600
/** Distances of labels on a time axis, in seconds. */
const TIMES = [1, 5, 15, 30, 60, 120, 300, 600, 1_800, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 24 * HOUR]

/** Returns about `count` round values from `low` to `high`. */
export function valueTicks(low: number, high: number, count: number): readonly number[] {
  const least = (high - low) / count
  const power = 10 ** Math.floor(Math.log10(least))
  const step = ([1, 2, 5].find((one) => one * power >= least) ?? 10) * power
  // Multiples of the step, instead of sums, add no rounding errors.
  return multiples(low, high, step)
}

/**
 * Returns at most `count` round times.
 *
 * @param from - Seconds since 1970.
 * @param offset - Seconds from local time to UTC.
 */
export function timeTicks(from: number, to: number, count: number, offset: number): readonly number[] {
  const step = TIMES.find((one) => (to - from) / one <= count) ?? 24 * HOUR
  return multiples(from - offset, to - offset, step).map((at) => at + offset)
}

function multiples(from: number, to: number, step: number): number[] {
  const first = Math.ceil(from / step)
  return Array.from(
    { length: Math.max(0, Math.floor(to / step) - first + 1) },
    (_, index) => (first + index) * step,
  )
}
