import type { Alert, AlertSeverity } from '../alerts/alert-book.ts'
import type { MetricStore } from '../metrics/metric-store.ts'
import type { MetricType } from '../metrics/metric-type.ts'
import type { Series } from '../metrics/series.ts'
import { type MetricFamily, snakeCase } from './metric-family.ts'

/** Older values are omitted: the last value of a source that is gone is meaningless. */
const FRESH_SECONDS = 300
const SEVERITIES: readonly AlertSeverity[] = ['info', 'warning', 'critical']
const QUANTILES: readonly (readonly [number, 'p50' | 'p95' | 'p99'])[] = [
  [0.5, 'p50'],
  [0.95, 'p95'],
  [0.99, 'p99'],
]

interface Exported {
  readonly unit: string
  scale(value: number): number
}

/** By what a type is counted in for people: what it is exported in. */
const UNITS: Readonly<Record<string, Exported>> = {
  ms: { unit: 's', scale: (value) => value / 1e3 },
  '%': { unit: '1', scale: (value) => value / 100 },
  Mbps: { unit: 'By/s', scale: (value) => value * 125_000 },
  'req/s': { unit: '{request}/s', scale: (value) => value },
}

/** Recorded metrics for exporters: times as summaries, others by their latest value. */
export function seriesFamilies(store: MetricStore, alerts: readonly Alert[]): readonly MetricFamily[] {
  const byType = new Map<MetricType, Series[]>()
  for (const series of store.fresh(FRESH_SECONDS)) {
    const known = byType.get(series.type)
    if (known === undefined) byType.set(series.type, [series])
    else known.push(series)
  }
  const now = store.now
  return [...[...byType].map(([type, series]) => familyOf(type, series, now)), ...stateOf(store, alerts)]
}

function familyOf(type: MetricType, all: readonly Series[], now: number): MetricFamily {
  const { unit, scale } = Object.hasOwn(UNITS, type.unit)
    ? (UNITS[type.unit] as Exported)
    : { unit: type.unit, scale: (value: number) => value }
  const head = { name: `sluice.${snakeCase(type.name)}`, help: type.description, unit }
  if (type.unit !== 'ms') {
    return {
      ...head,
      type: 'gauge',
      samples: all.map(({ source, last }) => ({ labels: { source }, value: scale(last) })),
    }
  }
  const samples = all.map((series) => {
    const summary = series.summary(now)
    const quantiles =
      summary === undefined
        ? []
        : QUANTILES.map(([quantile, key]) => ({ quantile, value: scale(summary[key]) }))
    return { labels: { source: series.source }, quantiles, sum: scale(series.totalSum), count: series.total }
  })
  return { ...head, type: 'summary', samples }
}

function stateOf(store: MetricStore, alerts: readonly Alert[]): readonly MetricFamily[] {
  const open = SEVERITIES.map((severity) => ({
    labels: { severity },
    value: alerts.filter((alert) => alert.severity === severity).length,
  }))
  return [
    { name: 'sluice.alerts', help: 'Open alerts', unit: '{alert}', type: 'gauge', samples: open },
    {
      name: 'sluice.monitor.series',
      help: 'Stored series',
      unit: '{series}',
      type: 'gauge',
      samples: [{ labels: {}, value: store.size }],
    },
    {
      name: 'sluice.monitor.overflowed',
      help: 'Times that a source was one too many',
      type: 'counter',
      samples: [{ labels: {}, value: store.overflowed }],
    },
  ]
}
