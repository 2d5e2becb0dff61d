import { durationSample } from '../feeds/duration-sample.ts'
import { type HistogramSample, type Labels, type MetricFamily, type NumberSample, OVERFLOW_LABELS } from '../feeds/metric-family.ts'
import type { ScopeSeries, ScopeTimes } from './scope-series.ts'

/** What was counted of scopes; those of HTTP requests under the names of OpenTelemetry's conventions. */
export function scopeFamilies(all: readonly ScopeSeries[]): readonly MetricFamily[] {
  const requests = all.filter(({ method }) => method !== undefined)
  const others = all.filter(({ method }) => method === undefined)
  return [
    {
      name: 'http.server.request.duration',
      help: 'Duration of HTTP requests',
      unit: 's',
      type: 'histogram',
      samples: requests.flatMap((series) => timesOf(series, requestLabels(series), 'http.response.status_code')),
    },
    {
      name: 'sluice.scope.duration',
      help: 'Duration of scopes that are no HTTP requests',
      unit: 's',
      type: 'histogram',
      samples: others.flatMap((series) => timesOf(series, nameLabels(series), undefined)),
    },
    count('sluice.scope.queries', 'Queries sent in scopes', '{query}', all, ({ queries }) => queries),
    count('sluice.scope.database.time', 'Time that scopes waited for the database', 's', all, ({ databaseMs }) => databaseMs / 1_000),
    count(
      'sluice.scope.failures',
      'Scopes whose work failed, and HTTP requests answered with 500 or more',
      '{scope}',
      all,
      ({ failures }) => failures,
    ),
  ]
}

function timesOf(series: ScopeSeries, labels: Labels, statusLabel: string | undefined): readonly HistogramSample[] {
  return [...series.times].map(([status, times]) => {
    const isShown = statusLabel !== undefined && status !== 0
    const sample = durationSample(isShown ? { ...labels, [statusLabel]: String(status) } : labels, times)
    return times.examples.length === 0 ? sample : { ...sample, exemplars: exemplarsOf(times) }
  })
}

function exemplarsOf({ counts, examples }: ScopeTimes): HistogramSample['exemplars'] {
  return counts.map((_, at) => {
    const example = examples[at]
    if (example === undefined) return undefined
    return { labels: { request_id: example.requestId }, value: example.durationMs / 1_000, timestamp: example.at / 1_000 }
  })
}

function count(
  name: string,
  help: string,
  unit: string,
  all: readonly ScopeSeries[],
  value: (series: ScopeSeries) => number,
): MetricFamily {
  const samples = new Map<string | undefined, NumberSample>()
  for (const series of all) {
    const before = samples.get(series.name)?.value ?? 0
    samples.set(series.name, { labels: nameLabels(series), value: before + value(series) })
  }
  return { name, help, unit, type: 'counter', samples: [...samples.values()] }
}

function requestLabels({ name, method = '', route }: ScopeSeries): Labels {
  if (name === undefined) return OVERFLOW_LABELS
  return route === undefined ? { 'http.request.method': method } : { 'http.request.method': method, 'http.route': route }
}

function nameLabels({ name }: ScopeSeries): Labels {
  return name === undefined ? OVERFLOW_LABELS : { 'sluice.scope.name': name }
}
