import type { DurationHistogram } from '../../shared/histogram.ts'

/** What tells samples of a family apart, by name: in the form of OpenTelemetry, with dots. */
export type Labels = Readonly<Record<string, string>>

export interface NumberSample {
  readonly labels: Labels
  readonly value: number
}

/** One value among others, and what it was of: an example to look at. */
export interface Exemplar {
  /** Such as the request's id. */
  readonly labels: Labels
  /** In the family's unit. */
  readonly value: number
  /** When it was, in seconds since 1970. */
  readonly timestamp: number
}

export interface HistogramSample {
  readonly labels: Labels
  /** Upper bounds, ascending, in the family's unit. */
  readonly bounds: readonly number[]
  /** Values up to each bound that are above the one before; the last one, which has no bound, counts the rest. */
  readonly counts: readonly number[]
  readonly sum: number
  /** For some of `counts`, in their order: one of the values that it counts. Only OpenMetrics has them. */
  readonly exemplars?: readonly (Exemplar | undefined)[] | undefined
}

export interface SummarySample {
  readonly labels: Labels
  readonly quantiles: readonly { readonly quantile: number; readonly value: number }[]
  /** Of all values; left out where it is not known. */
  readonly sum?: number | undefined
  readonly count?: number | undefined
}

/** What a family is called. */
export interface FamilyHead {
  /** In the form of OpenTelemetry: `db.client.operation.duration`. */
  readonly name: string
  readonly help: string
  /** In the form of UCUM: `s`, `By`, `1` for a share, `{request}` for what is only counted. */
  readonly unit?: string
}

/** Samples of one name, as others can export them. Counters, and the counts of histograms and summaries, only grow, but for a restart. */
export type MetricFamily =
  | (FamilyHead & { readonly type: 'counter' | 'gauge'; readonly samples: readonly NumberSample[] })
  | (FamilyHead & { readonly type: 'histogram'; readonly samples: readonly HistogramSample[] })
  | (FamilyHead & { readonly type: 'summary'; readonly samples: readonly SummarySample[] })

export type FamilyType = MetricFamily['type']
export type Sample = MetricFamily['samples'][number]

/** Tells what it has when it is asked. */
export interface MetricFeed {
  readonly name: string
  collect(): readonly MetricFamily[] | Promise<readonly MetricFamily[]>
}

/** What stands for all samples that are too many; the name that OpenTelemetry has for it. */
export const OVERFLOW_LABELS: Labels = { 'otel.metric.overflow': 'true' }

/** Names the labels of a sample: equal for equal ones, in whatever order. */
export function labelKey(labels: Labels): string {
  const names = Object.keys(labels)
  if (names.length > 1) names.sort()
  let key = ''
  for (const name of names) key += `${name}\0${labels[name]}\0`
  return key
}

export function counterOf(name: string, help: string, unit: string, samples: readonly NumberSample[]): MetricFamily {
  return { name, help, unit, type: 'counter', samples }
}

export function counter(name: string, help: string, unit: string, value: number): MetricFamily {
  return counterOf(name, help, unit, [{ labels: {}, value }])
}

export function counters(name: string, help: string, unit: string, label: string, values: Readonly<Record<string, number>>): MetricFamily {
  return counterOf(
    name,
    help,
    unit,
    Object.entries(values).map(([key, value]) => ({ labels: { [label]: key }, value })),
  )
}

export function gauge(name: string, help: string, unit: string, samples: readonly NumberSample[]): MetricFamily {
  return { name, help, unit, type: 'gauge', samples }
}

/** In milliseconds; 0 where nothing was seen, which is missing then. */
export function quantileSample(
  labels: Labels,
  { p50, p95, p99 }: { readonly p50: number; readonly p95: number; readonly p99: number },
): SummarySample {
  const at = (quantile: number, ms: number) => ({ quantile, value: ms / 1_000 })
  return { labels, quantiles: p99 === 0 ? [] : [at(0.5, p50), at(0.95, p95), at(0.99, p99)] }
}

/** `storeHits` is `store_hits`. */
export function snakeCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()
}

/** Durations in seconds, as others expect them. */
export function durationSample(labels: Labels, { boundsMs, counts, sumMs }: DurationHistogram): HistogramSample {
  return { labels, bounds: boundsMs.map((bound) => bound / 1_000), counts: [...counts], sum: sumMs / 1_000 }
}
