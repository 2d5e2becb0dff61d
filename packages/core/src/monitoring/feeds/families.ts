import type { Labels, MetricFamily, NumberSample, SummarySample } from './metric-family.ts'

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
