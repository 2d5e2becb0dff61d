import { metricTitle } from '../../shared/metric-title.ts'
import type { Alert } from '../alerts/alert-book.ts'
import type { MetricHealth } from '../health.ts'
import type { TrendAnalysis } from '../trends/trend-analysis.ts'

/** Statistics of other engines, for advice. */
export interface TuningFacts {
  readonly cache?: {
    readonly reads: number
    /** 0 to 1. */
    readonly hitRate: number
    readonly evictions: number
    /** Bytes, as `totalMemory`. */
    readonly usedMemory: number
    readonly totalMemory: number
  }
  readonly queues?: readonly {
    readonly queue: string
    readonly maxConcurrency: number
    readonly queued: number
    readonly processing: number
    readonly oldestTaskMs: number
    readonly isPaused: boolean
  }[]
}

export interface AdviceInput extends TuningFacts {
  readonly metrics: readonly MetricHealth[]
  readonly trends: Readonly<Record<string, TrendAnalysis>>
  /** Critical thresholds by metric. */
  readonly critical: Readonly<Record<string, number | undefined>>
  /** Alerts that were resolved in the last day. */
  readonly resolved: readonly Alert[]
}

const FLAPPING = 6
const ENOUGH_READS = 1_000
const MEGABYTE = 1_048_576
const BUSY_CPU = 80
const LONG_WAIT_MS = 50
const OLD_TASK_MS = 30_000
/** Forecasts beyond a day are unreliable. */
const SOON_MINUTES = 1_440

/** Recommended changes, based on measurements; none if these are not conclusive. */
export function tuningAdvice(input: AdviceInput): readonly string[] {
  return [
    ...flappingAlerts(input),
    ...cacheSize(input),
    ...poolSize(input),
    ...concurrency(input),
    ...growth(input),
  ]
}

function flappingAlerts({ resolved }: AdviceInput): string[] {
  const times = new Map<string, number>()
  for (const { metric, source, resolvedBy } of resolved) {
    if (resolvedBy === undefined) {
      const what = `${metricTitle(metric)} of ${source}`
      times.set(what, (times.get(what) ?? 0) + 1)
    }
  }
  return [...times]
    .filter(([, count]) => count >= FLAPPING)
    .map(
      ([what, count]) =>
        `The alert "${what}" came and went ${count} times in a day: raise its threshold, or alerts.forMs.`,
    )
}

function cacheSize({ cache }: AdviceInput): string[] {
  if (cache === undefined || cache.reads < ENOUGH_READS) return []
  const { reads, hitRate, evictions, usedMemory, totalMemory } = cache
  const misses = reads * (1 - hitRate)
  // An evicted entry was requested again at most as often as there was a miss.
  if (usedMemory > 0.9 * totalMemory && hitRate < 0.8 && evictions > misses / 2)
    return [
      `The cache is full, serves ${percent(hitRate)} of reads, and evicts an entry for at least every second miss: raise cache.maxBytes from ${megabytes(totalMemory)} to ${megabytes(2 * totalMemory)}.`,
    ]
  if (evictions === 0 && usedMemory < totalMemory / 10)
    return [
      `The cache uses ${megabytes(usedMemory)} of ${megabytes(totalMemory)}: ${megabytes(Math.max(MEGABYTE, 2 * usedMemory))} would do (cache.maxBytes).`,
    ]
  return []
}

function poolSize({ metrics }: AdviceInput): string[] {
  const cpu = Math.max(0, ...metrics.filter(({ metric }) => metric === 'cpu').map(({ avg }) => avg))
  return metrics
    .filter(({ metric, p95 }) => metric === 'poolWait' && p95 >= LONG_WAIT_MS)
    .map(({ source, p95 }) =>
      cpu < BUSY_CPU
        ? `5% of the queries wait at least ${p95.toFixed(0)} ms for a connection of ${source}, while CPU usage is ${cpu.toFixed(0)}%: enlarge the pool if the database has capacity. More workers would make it worse.`
        : `5% of the queries wait at least ${p95.toFixed(0)} ms for a connection of ${source}, and CPU usage is ${cpu.toFixed(0)}%: add workers first.`,
    )
}

function concurrency({ queues = [], metrics }: AdviceInput): string[] {
  const cpu = Math.max(0, ...metrics.filter(({ metric }) => metric === 'cpu').map(({ avg }) => avg))
  return queues
    .filter(({ isPaused, queued, oldestTaskMs, processing, maxConcurrency }) => {
      const isFull = processing >= maxConcurrency
      return !isPaused && queued > 0 && oldestTaskMs >= OLD_TASK_MS && isFull && cpu < BUSY_CPU
    })
    .map(
      ({ queue, oldestTaskMs, maxConcurrency }) =>
        `Tasks of "${queue}" wait up to ${(oldestTaskMs / 1_000).toFixed(0)} s with a concurrency of ${maxConcurrency}, while CPU usage is ${cpu.toFixed(0)}%: raise the concurrency.`,
    )
}

function growth({ trends, metrics, critical }: AdviceInput): string[] {
  return ['memory', 'disk'].flatMap((metric) => {
    const trend = trends[metric]
    const limit = critical[metric]
    const now = Math.max(...metrics.filter((one) => one.metric === metric).map(({ last }) => last))
    if (trend?.trend !== 'increasing' || limit === undefined || !Number.isFinite(now) || now >= limit)
      return []
    const minutes = (limit - now) / trend.changePerMinute
    if (!(minutes <= SOON_MINUTES)) return []
    return [
      `${metricTitle(metric)} grows by ${Number(trend.changePerMinute.toPrecision(2))}% per minute: at this rate, it reaches ${limit}% in ${Math.round(minutes)} minutes.`,
    ]
  })
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)}%`
}

function megabytes(bytes: number): string {
  return `${(bytes / MEGABYTE).toFixed(bytes < 10 * MEGABYTE ? 1 : 0)} MB`
}
