import { type MonitoringAndAutoScalingEngine, UnknownMetricError } from '@sluice/core'
import { isInstance } from '@sluice/core/siblings'
import { Refusal } from '../http/responses.ts'
import type { Point } from '../protocol/common.ts'
import type { ForecastPoint, MetricForecast, MetricsPage, MetricsQuery } from '../protocol/monitor.ts'

const DEFAULT_METRIC = 'requests'
const DEFAULT_MINUTES = 30
/** Maximum length of a forecast in minutes. */
const MAX_FORECAST_MINUTES = 60
const MAX_POINTS = 1_500
/** Seconds of values that a forecast requires. */
const MIN_SECONDS = 120
/** Maximum distance between values of an age. Sources that report rarely keep their last value in between. */
const STEPS: readonly (readonly [olderThanMs: number, stepMs: number])[] = [
  [21_600_000, 600_000],
  [1_800_000, 60_000],
  [120_000, 15_000],
  [0, 15_000],
]

/**
 * One metric with its forecast; `null` if the monitor is disabled.
 *
 * @throws Refusal for an unknown metric
 */
export function metricsPage(
  monitor: MonitoringAndAutoScalingEngine | undefined,
  query: MetricsQuery,
): MetricsPage | null {
  if (monitor === undefined) return null
  const { metric = DEFAULT_METRIC, minutes = DEFAULT_MINUTES, ahead } = query
  try {
    return pageOf(monitor, metric, minutes * 60_000, ahead)
  } catch (error) {
    if (isInstance(error, UnknownMetricError)) throw new Refusal('BAD_QUERY', error.message)
    throw error
  }
}

function pageOf(
  monitor: MonitoringAndAutoScalingEngine,
  metric: string,
  windowMs: number,
  ahead: number | undefined,
): MetricsPage {
  const to = Date.now()
  const values = monitor
    .getMetricTrend(metric, windowMs)
    .map(({ timestamp, value }): Point => [timestamp, value])
  const { metrics } = monitor.getSystemHealth()
  return {
    metrics: monitor
      .getMetricTypes()
      .map(({ name, unit, description, across, warning = null, critical = null }) => ({
        name,
        unit,
        description,
        across,
        warning,
        critical,
        current: monitor.currentLoad(name) ?? null,
        sources: metrics.filter((one) => one.metric === name).length,
      })),
    metric,
    from: to - windowMs,
    to,
    points: withGaps(thinned(values), to),
    trend: monitor.calculateTrendAnalysis(metric, windowMs),
    forecast: forecastOf(monitor, metric, ahead ?? minutesAhead(values, to), to),
    anomalies: monitor.getAnomalies(metric).filter(({ timestamp }) => timestamp >= to - windowMs),
    needsSeconds: neededSeconds(values),
  }
}

/** Half of the recorded time, so that a chart shows more values than forecasts. */
export function minutesAhead([first]: readonly Point[], now: number): number {
  const recorded = first === undefined ? 0 : (now - first[0]) / 60_000
  return Math.min(MAX_FORECAST_MINUTES, Math.floor(recorded / 2))
}

function forecastOf(
  monitor: MonitoringAndAutoScalingEngine,
  metric: string,
  ahead: number,
  from: number,
): MetricForecast | null {
  const points: ForecastPoint[] = []
  let furthest: ReturnType<typeof monitor.predictLoad>
  for (let minute = 1; minute <= ahead; minute += 1) {
    const prediction = monitor.predictLoad(metric, minute)
    if (prediction === undefined) return null
    furthest = prediction
    const { lower, value, upper } = prediction
    points.push({ at: from + minute * 60_000, lower, value, upper })
  }
  if (furthest === undefined) return null
  const { model, recentAccuracy = null } = furthest
  return { from, points, model, recentAccuracy, caption: captionOf(recentAccuracy, ahead) }
}

/** @param ahead - Minutes. */
export function captionOf(accuracy: number | null, ahead: number): string {
  const minutes = `${ahead} minute${ahead === 1 ? '' : 's'}`
  if (accuracy === null) return `No forecast for the next ${minutes} has been evaluated yet.`
  return `In the last day, ${Math.round(accuracy * 100)}% of the forecasts for the next ${minutes} were within 15% of the value.`
}

/** Keeps every nth value. Means would hide peaks, and maxima would overstate values. */
function thinned(values: readonly Point[]): readonly Point[] {
  const every = Math.ceil(values.length / MAX_POINTS)
  return every <= 1 ? values : values.filter((_, at) => (values.length - 1 - at) % every === 0)
}

/**
 * Inserts a gap after a pause that is longer than the usual distance between values of that age, so that the
 * line does not cross it.
 */
export function withGaps(values: readonly Point[], now: number): MetricsPage['points'] {
  const step = medianStep(values)
  const points: (Point | readonly [at: number, value: null])[] = []
  for (const [at, point] of values.entries()) {
    const before = values[at - 1]
    if (before !== undefined) {
      const age = now - before[0]
      const [, usual = 15_000] = STEPS.find(([olderThan]) => age >= olderThan) ?? []
      if (point[0] - before[0] > Math.max(usual * 1.5, step * 3)) points.push([before[0] + 1, null])
    }
    points.push(point)
  }
  return points
}

/** The lower of two middle steps rather than their mean, so that a gap next to one usual step stays a gap. */
function medianStep(values: readonly Point[]): number {
  const steps = values.slice(1).map(([at], index) => at - (values[index]?.[0] ?? at))
  return steps.sort((a, b) => a - b)[Math.floor((steps.length - 1) / 2)] ?? 0
}

export function neededSeconds(values: readonly Point[]): number {
  const [first] = values
  const last = values.at(-1)
  if (first === undefined || last === undefined) return MIN_SECONDS
  return Math.max(0, Math.ceil(MIN_SECONDS - (last[0] - first[0]) / 1_000))
}
