import type { DurationHistogram } from '../../shared/histogram.ts'
import { joinedKey } from '../../shared/joined-key.ts'

/** Labels of a sample, which distinguish it within its family. Names have OpenTelemetry's form, with dots. */
export type Labels = Readonly<Record<string, string>>

export interface NumberSample {
  readonly labels: Labels
  readonly value: number
}

/** A single value with its context, such as a trace: an example to inspect. */
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
  /**
   * Values up to each bound that are above the one before; the last one, which has no bound, counts the rest.
   */
  readonly counts: readonly number[]
  readonly sum: number
  /** For some of `counts`, in their order: one of the values that it counts. Only OpenMetrics has them. */
  readonly exemplars?: readonly (Exemplar | undefined)[] | undefined
}

export interface SummarySample {
  readonly labels: Labels
  readonly quantiles: readonly { readonly quantile: number; readonly value: number }[]
  /** Sum of all values; omitted if it is unknown. */
  readonly sum?: number | undefined
  readonly count?: number | undefined
}

/** Name and description of a family. */
interface FamilyHead {
  /** In the form of OpenTelemetry: `db.client.operation.duration`. */
  readonly name: string
  readonly help: string
  /** Unit in UCUM: `s`, `By`, `1` for a ratio, `{request}` for counted things. */
  readonly unit?: string
}

/**
 * Samples with one name, for exporters. Counters, and the counts of histograms and summaries, only increase,
 * except for restarts.
 */
export type MetricFamily =
  | (FamilyHead & { readonly type: 'counter' | 'gauge'; readonly samples: readonly NumberSample[] })
  | (FamilyHead & { readonly type: 'histogram'; readonly samples: readonly HistogramSample[] })
  | (FamilyHead & { readonly type: 'summary'; readonly samples: readonly SummarySample[] })

export type FamilyType = MetricFamily['type']
export type Sample = MetricFamily['samples'][number]

/** Provides metrics on request. */
export interface MetricFeed {
  readonly name: string
  collect(): readonly MetricFamily[] | Promise<readonly MetricFamily[]>
}

/** Label of the sample that counts all additional ones; the name is OpenTelemetry's. */
export const OVERFLOW_LABELS: Labels = { 'otel.metric.overflow': 'true' }

/** Key of a sample's labels: equal for equal labels, in any order. */
export function labelKey(labels: Labels): string {
  const names = Object.keys(labels)
  if (names.length > 1) names.sort()
  let key = ''
  for (const name of names) key += joinedKey(name, labels[name])
  return key
}

export function counterOf(
  name: string,
  help: string,
  unit: string,
  samples: readonly NumberSample[],
): MetricFamily {
  return { name, help, unit, type: 'counter', samples }
}

export function counter(name: string, help: string, unit: string, value: number): MetricFamily {
  return counterOf(name, help, unit, [{ labels: {}, value }])
}

export function counters(
  name: string,
  help: string,
  unit: string,
  label: string,
  values: Readonly<Record<string, number>>,
): MetricFamily {
  return counterOf(
    name,
    help,
    unit,
    Object.entries(values).map(([key, value]) => ({ labels: { [label]: key }, value })),
  )
}

export function gauge(
  name: string,
  help: string,
  unit: string,
  samples: readonly NumberSample[],
): MetricFamily {
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
export function durationSample(
  labels: Labels,
  { boundsMs, counts, sumMs }: DurationHistogram,
): HistogramSample {
  return { labels, bounds: boundsMs.map((bound) => bound / 1_000), counts: [...counts], sum: sumMs / 1_000 }
}
