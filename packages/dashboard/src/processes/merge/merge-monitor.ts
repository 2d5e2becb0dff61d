import { analyzeTrend } from '@sluice/core/siblings'
import { captionOf, neededSeconds, withGaps } from '../../pages/metrics-page.ts'
import { MAX_ENTRIES } from '../../pages/page-of.ts'
import type { Point } from '../../protocol/common.ts'
import type {
  AlertsPage,
  ForecastPoint,
  MetricForecast,
  MetricInfo,
  MetricsPage,
} from '../../protocol/monitor.ts'
import { HEALTH } from './merge-engine-pages.ts'
import { grouped, meanOf } from './sums.ts'

type Across = MetricInfo['across']

/**
 * Distance between values: 1 s for 2 minutes, 10 s for 30 minutes, 1 minute for 6 hours, 10 minutes before.
 */
const STEPS: readonly (readonly [youngerThanMs: number, stepMs: number])[] = [
  [110_000, 1_000],
  [1_740_000, 10_000],
  [21_000_000, 60_000],
  [Number.POSITIVE_INFINITY, 600_000],
]

/** Merges a metric of all processes like several sources: by sum, mean or maximum. */
export function mergeMetrics(pages: readonly [MetricsPage, ...MetricsPage[]]): MetricsPage {
  const [first] = pages
  const infos = pages.flatMap(({ metrics }) => metrics)
  const metrics = grouped(infos, ({ name }) => name).map(mergeInfo)
  const across = metrics.find(({ name }) => name === first.metric)?.across ?? 'mean'
  const lines = pages.map(({ points }) => points.filter((point): point is Point => point[1] !== null))
  const values = mergeLines(lines, across, first.to)
  const anomalies = pages.flatMap((page) => page.anomalies)
  return {
    metrics,
    metric: first.metric,
    from: first.from,
    to: first.to,
    points: withGaps(values, first.to),
    trend: analyzeTrend(values.map(([timestamp, value]) => ({ timestamp, value }))),
    forecast: mergeForecasts(pages, across),
    anomalies: anomalies.sort((a, b) => a.timestamp - b.timestamp),
    needsSeconds: neededSeconds(values),
  }
}

/** Merges lines, aligned to the same steps. */
function mergeLines(lines: readonly (readonly Point[])[], across: Across, now: number): Point[] {
  const steps = new Map<number, { readonly step: number; readonly values: number[] }>()
  for (const line of lines) {
    for (const [at, values] of byStep(line, now)) {
      const known = steps.get(at)
      const value = across === 'max' ? Math.max(...values.all) : (meanOf(values.all) as number)
      if (known === undefined) steps.set(at, { step: values.step, values: [value] })
      else known.values.push(value)
    }
  }
  const points = [...steps].map(([at, { values }]) => [at, joined(values, across)] as const)
  return points.sort(([a], [b]) => a - b)
}

interface Step {
  readonly step: number
  readonly all: number[]
}

/**
 * Groups the values of a line by step. If two values of neighboring steps share one step, the previous value
 * fills the empty one.
 */
function byStep(line: readonly Point[], now: number): Map<number, Step> {
  const steps = new Map<number, Step>()
  let before: { readonly at: number; readonly end: number; readonly value: number } | undefined
  for (const [time, value] of line) {
    const [, step] = STEPS.find(([youngerThan]) => now - time < youngerThan) as readonly [number, number]
    const at = Math.floor(time / step) * step
    if (before !== undefined && at - before.end === step && time - before.at < 2 * step)
      steps.set(before.end, { step, all: [before.value] })
    const known = steps.get(at)
    if (known === undefined) steps.set(at, { step, all: [value] })
    else known.all.push(value)
    before = { at: time, end: at + step, value }
  }
  return steps
}

function joined(values: readonly number[], across: Across): number {
  if (across === 'max') return Math.max(...values)
  const sum = values.reduce((total, value) => total + value, 0)
  return across === 'sum' ? sum : sum / values.length
}

function mergeInfo(all: readonly [MetricInfo, ...MetricInfo[]]): MetricInfo {
  const current = all.flatMap((info) => (info.current === null ? [] : [info.current]))
  return {
    ...all[0],
    current: current.length === 0 ? null : joined(current, all[0].across),
    sources: all.reduce((sum, { sources }) => sum + sources, 0),
  }
}

/**
 * Merges forecasts by combining the bounds of their bands like values: the loads of one app's processes rise
 * together, so their errors have the same direction. Requires a forecast of each process, because the sum
 * for some processes does not describe the total.
 */
function mergeForecasts(
  pages: readonly [MetricsPage, ...MetricsPage[]],
  across: Across,
): MetricForecast | null {
  const forecasts = pages.flatMap(({ forecast, points }) =>
    forecast === null && points.length === 0 ? [] : [forecast],
  )
  const [first] = forecasts
  if (first === undefined || first === null || forecasts.includes(null)) return null
  const all = forecasts as readonly MetricForecast[]
  const shared = Math.min(...all.map(({ points }) => points.length))
  const recentAccuracy = meanOf(all.map((forecast) => forecast.recentAccuracy))
  return {
    from: first.from,
    points: first.points.slice(0, shared).map(({ at }, place): ForecastPoint => {
      const of = (field: 'lower' | 'value' | 'upper') =>
        joined(
          all.map(({ points }) => points[place]?.[field] ?? 0),
          across,
        )
      return { at, lower: of('lower'), value: of('value'), upper: of('upper') }
    }),
    model: [...new Set(all.map(({ model }) => model))].join(', '),
    recentAccuracy,
    caption: `${captionOf(recentAccuracy, shared)} Accuracy applies to each process separately.`,
  }
}

const MAX_ACTIVE = 150
const SEVERITY = { critical: 0, warning: 1, info: 2 } as const

/** Lists the alerts and decisions of all processes, because each process has separate ones. */
export function mergeAlerts(pages: readonly [AlertsPage, ...AlertsPage[]]): AlertsPage {
  const timeline = pages.flatMap((page) => page.timeline)
  const active = pages.flatMap((page) => page.active)
  const costs = pages.flatMap(({ cost }) => (cost === null ? [] : [cost]))
  return {
    health: HEALTH.find((health) => pages.some((page) => page.health === health)) ?? 'healthy',
    active: active
      .sort((a, b) => SEVERITY[a.severity] - SEVERITY[b.severity] || b.raisedAt - a.raisedAt)
      .slice(0, MAX_ACTIVE),
    timeline: timeline.sort((a, b) => b.at - a.at).slice(0, MAX_ENTRIES),
    policies: grouped(
      pages.flatMap(({ policies }) => policies),
      (policy) => JSON.stringify(policy),
    ).map(([first]) => first),
    recommendations: [...new Set(pages.flatMap(({ recommendations }) => recommendations))],
    // One process scales the workers for all, and all processes count the same workers.
    cost: costs.reduce<AlertsPage['cost']>(
      (most, cost) => (most === null || cost.hours > most.hours ? cost : most),
      null,
    ),
  }
}
