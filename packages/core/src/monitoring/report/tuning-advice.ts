import { metricTitle } from '../../shared/metric-title.ts'
import type { PoolWaits } from '../../shared/pool-size.ts'
import type { Alert } from '../alerts/alert-book.ts'
import type { MetricHealth } from '../health.ts'
import type { TrendAnalysis } from '../trends/trend-analysis.ts'
import type { TuningAdvice, TuningChange } from './advice.ts'
import { type CacheFacts, cacheAdvice } from './cache-advice.ts'
import { poolAdvice, type WaitedPool } from './pool-advice.ts'
import { type QueueFacts, queueAdvice } from './queue-advice.ts'

/** Statistics of other engines, for advice. */
export interface TuningFacts {
  readonly cache?: CacheFacts
  /** Changes that were made automatically, the newest first. */
  readonly tuning?: readonly TuningChange[]
  /** Attached connection pools. */
  readonly pools?: readonly PoolFacts[]
  readonly queues?: readonly QueueFacts[]
}

/** An attached pool. Its waits are those of the metric `poolWait` if the pool does not measure them. */
interface PoolFacts extends Pick<WaitedPool, 'name' | 'max' | 'limit'> {
  readonly waits?: PoolWaits | undefined
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
/** Period of the metrics. */
const HEALTH_MS = 300_000
/** Forecasts beyond a day are unreliable. */
const SOON_MINUTES = 1_440

/** Recommended changes, based on measurements; none if these are not conclusive. */
export function tuningAdvice(input: AdviceInput): readonly TuningAdvice[] {
  return [
    ...flappingAlerts(input),
    ...cacheSize(input),
    ...poolSize(input),
    ...concurrency(input),
    ...growth(input),
  ]
}

function flappingAlerts({ resolved }: AdviceInput): TuningAdvice[] {
  const times = new Map<string, number>()
  for (const { metric, source, resolvedBy } of resolved) {
    if (resolvedBy === undefined) {
      const what = `${metricTitle(metric)} of ${source}`
      times.set(what, (times.get(what) ?? 0) + 1)
    }
  }
  return [...times]
    .filter(([, count]) => count >= FLAPPING)
    .map(([what, count]) => ({
      kind: 'alerts',
      text: `The alert "${what}" came and went ${count} times in a day: raise its threshold, or alerts.forMs.`,
    }))
}

function cacheSize({ cache }: AdviceInput): TuningAdvice[] {
  const advice = cache && cacheAdvice(cache)
  return advice === undefined ? [] : [advice]
}

function poolSize({ metrics, pools = [] }: AdviceInput): TuningAdvice[] {
  const cpu = busiestCpu(metrics)
  return metrics
    .filter(({ metric }) => metric === 'poolWait')
    .flatMap(({ source: name, count, avg, p95 }) => {
      const pool = pools.find((one) => one.name === name)
      const metric = { periodMs: HEALTH_MS, requests: count, meanMs: avg, p95Ms: p95 }
      return poolAdvice({ name, max: pool?.max, limit: pool?.limit, waits: pool?.waits ?? metric, cpu }) ?? []
    })
}

function concurrency({ queues = [], metrics }: AdviceInput): TuningAdvice[] {
  const cpu = busiestCpu(metrics)
  return queues.flatMap((queue) => queueAdvice(queue, cpu) ?? [])
}

function growth({ trends, metrics, critical }: AdviceInput): TuningAdvice[] {
  return ['memory', 'disk'].flatMap((metric) => {
    const trend = trends[metric]
    const limit = critical[metric]
    const now = Math.max(...metrics.filter((one) => one.metric === metric).map(({ last }) => last))
    if (trend?.trend !== 'increasing' || limit === undefined || !Number.isFinite(now) || now >= limit)
      return []
    const minutes = (limit - now) / trend.changePerMinute
    if (!(minutes <= SOON_MINUTES)) return []
    return [
      {
        kind: 'growth',
        text: `${metricTitle(metric)} grows by ${Number(trend.changePerMinute.toPrecision(2))}% per minute: at this rate, it reaches ${limit}% in ${Math.round(minutes)} minutes.`,
      },
    ]
  })
}

function busiestCpu(metrics: readonly MetricHealth[]): number {
  return Math.max(0, ...metrics.filter(({ metric }) => metric === 'cpu').map(({ avg }) => avg))
}
