import { plainLine } from '../../shared/plain-line.ts'
import type { Alert } from '../alerts/alert-book.ts'
import type { Prediction } from '../forecast/forecaster-state.ts'
import type { MetricStore } from '../metrics/metric-store.ts'
import type { MetricSummary } from '../metrics/series.ts'
import type { ScalingEvent } from '../scaling/scaling-history.ts'
import type { ScalingCost } from '../scaling-desk.ts'
import type { MetricAnomaly, TrendAnalysis } from '../trends.ts'
import type { TuningAdvice, TuningChange } from './advice.ts'

/** How an app fares, as one object: fit for JSON. */
export interface PerformanceReport {
  /** Milliseconds since 1970. */
  readonly generatedAt: number
  readonly health: HealthCheckResult
  /** Open ones, the worst first. */
  readonly alerts: readonly Alert[]
  /** Trends of the last 30 minutes, by metric. */
  readonly trends: Readonly<Record<string, TrendAnalysis>>
  /** Fifteen minutes ahead, by metric. */
  readonly forecasts: Readonly<Record<string, Prediction>>
  /** The last twenty. */
  readonly anomalies: readonly MetricAnomaly[]
  /** The last fifty decisions to scale of the last day, the newest first, and what workers have cost. */
  readonly scaling: { readonly events: readonly ScalingEvent[]; readonly cost: ScalingCost | undefined }
  /** Recommended changes, based on measurements. */
  readonly advice: readonly TuningAdvice[]
  /** Changes that `sluice.tune` has made, the newest first. */
  readonly tuning: readonly TuningChange[]
}

/** The report as Markdown. */
export function reportMarkdown(report: PerformanceReport): string {
  const { generatedAt, health, alerts, trends, forecasts, anomalies, scaling, advice, tuning } = report
  const arrows = { increasing: '↑', decreasing: '↓', stable: '→' } as const
  const metrics = health.metrics.map(({ metric, source, unit, last, min, avg, p50, p95, p99, max }) => [
    cell(metric + (unit === '' ? '' : ` (${unit})`)),
    cell(source),
    ...[last, min, avg, p50, p95, p99, max].map(short),
    arrows[trends[metric]?.trend ?? 'stable'],
  ])
  const expected = Object.entries(forecasts).map(([metric, { value, lower, upper, recentAccuracy }]) => [
    cell(metric),
    ...[value, lower, upper].map(short),
    recentAccuracy === undefined ? 'not known yet' : `${(recentAccuracy * 100).toFixed(0)}%`,
  ])
  return [
    `# Performance, ${new Date(generatedAt).toISOString()}`,
    `**${health.status}**${problemCount(health.problems.length)}`,
    section('Problems', list(health.problems.map(cell))),
    section(
      'Metrics of the last five minutes',
      table(['metric', 'source', 'last', 'min', 'mean', 'p50', 'p95', 'p99', 'max', 'trend'], metrics),
    ),
    section(
      'In fifteen minutes',
      table(['metric', 'expected', 'at least', 'at most', 'right within 15% of late'], expected),
    ),
    section(
      'Alerts',
      table(
        ['severity', 'what', 'since', 'status'],
        alerts.map(({ severity, message, raisedAt, status, acknowledgedBy }) => [
          severity,
          cell(message),
          new Date(raisedAt).toISOString(),
          status + (acknowledgedBy === undefined ? '' : ` by ${cell(acknowledgedBy)}`),
        ]),
      ),
    ),
    section(
      'Anomalies',
      list(
        anomalies.map(
          ({ metric, kind, timestamp, value, expected: usual }) =>
            `${new Date(timestamp).toISOString()}: ${cell(metric)} was ${short(value)}, ${short(usual)} was to be expected${kind === 'change' ? '; another level since then' : ''}`,
        ),
      ),
    ),
    section(
      'Scaling',
      [
        ...(scaling.cost === undefined ? [] : [costOf(scaling.cost)]),
        list(
          scaling.events.map(
            ({ timestamp, from, to, reasons, isDryRun }) =>
              `${new Date(timestamp).toISOString()}: ${from} → ${to}${isDryRun ? ' (dry run)' : ''}. ${cell(reasons.join(' '))}`,
          ),
        ),
      ]
        .filter((part) => part !== '')
        .join('\n\n'),
    ),
    section('Advice', list(advice.map(({ text }) => cell(text)))),
    section('Tuning', list(tuning.map(({ at, text }) => `${new Date(at).toISOString()}: ${cell(text)}`))),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n')
}

function problemCount(count: number): string {
  return count === 0 ? '' : `: ${count} ${count === 1 ? 'problem' : 'problems'}`
}

function costOf({ workerHours, leastWorkerHours, hours }: ScalingCost): string {
  const more =
    leastWorkerHours > 0 ? `, ${short(workerHours / leastWorkerHours)} times what the load needed` : ''
  return `${short(workerHours)} worker-hours in ${short(hours)} hours${more}.`
}

function section(title: string, content: string): string {
  return content === '' ? '' : `## ${title}\n\n${content}`
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** Names come from outside: of routes, of nodes. */
function cell(text: string): string {
  return plainLine(text)
    .replace(/[\\`*_{}[\]<>|#&]/g, '\\$&')
    .replace(/\s+/g, ' ')
}

function short(value: number): string {
  return Math.abs(value) >= 1_000 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}

/** Statistics of a metric and source, for the last 5 minutes. */
export interface MetricHealth extends MetricSummary {
  readonly metric: string
  readonly source: string
  readonly unit: string
  readonly last: number
}

export interface HealthCheckResult {
  /** `unhealthy`: there is a critical alert; `degraded`: a warning. */
  readonly status: 'healthy' | 'degraded' | 'unhealthy'
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly metrics: readonly MetricHealth[]
  /** Problems, the most severe first. */
  readonly problems: readonly string[]
}

export function healthOf(store: MetricStore, alerts: readonly Alert[], timestamp: number): HealthCheckResult {
  store.fold()
  const now = store.now
  const metrics = store.all().flatMap((series) => {
    const summary = series.summary(now)
    const { type, source, last } = series
    return summary === undefined ? [] : [{ metric: type.name, source, unit: type.unit, last, ...summary }]
  })
  const serious = alerts.filter(({ severity }) => severity !== 'info')
  const isCritical = serious.some(({ severity }) => severity === 'critical')
  return {
    status: isCritical ? 'unhealthy' : serious.length > 0 ? 'degraded' : 'healthy',
    timestamp,
    metrics,
    problems: serious.map(({ message }) => message),
  }
}
