import { metricTitle } from '../../shared/metric-title.ts'
import { judgePool, type PoolLoad, type PoolWaits } from '../../shared/pool-size.ts'
import { BUSY_CPU } from '../../shared/thresholds.ts'
import type { Alert } from '../alerts/alert-book.ts'
import type { TrendAnalysis } from '../trends.ts'
import { megabytes, percent, type TuningAdvice, type TuningChange } from './advice.ts'
import type { MetricHealth } from './performance-report.ts'

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

/** Results of a size of the in-process cache in a period. */
interface CacheFacts {
  /** Milliseconds. */
  readonly periodMs: number
  readonly reads: number
  readonly hits: number
  readonly evictions: number
  /** Misses that twice the memory would have served, and the time that loading their values took. */
  readonly ghostHits: number
  readonly ghostLoadMs: number
  /** Bytes, as `totalMemory`. */
  readonly usedMemory: number
  readonly totalMemory: number
}

export const CACHE_SETTING = 'cache.maxBytes'
const ENOUGH_READS = 1_000
/** Ghost hits are counted for 1 in 8 keys: with these, the figure is right to about 20%. */
const ENOUGH_GHOST_HITS = 200
/** Below this share of the misses, twice the memory is too much for the gain. */
const WORTHWHILE = 0.1
const MINUTE = 60_000
const MEGABYTE = 1_048_576

/** Advice on the size of the in-process cache; none if the measurements are not conclusive. */
export function cacheAdvice(facts: CacheFacts): TuningAdvice | undefined {
  const { reads, hits, evictions, ghostHits, usedMemory, totalMemory } = facts
  if (reads < ENOUGH_READS) return undefined
  if (ghostHits >= ENOUGH_GHOST_HITS && ghostHits >= (reads - hits) * WORTHWHILE) return enlarge(facts)
  if (evictions > 0 || usedMemory >= totalMemory / 10) return undefined
  const to = Math.max(MEGABYTE, Math.ceil(2 * usedMemory))
  const rate = hits / reads
  return {
    kind: 'cacheBytes',
    setting: CACHE_SETTING,
    from: totalMemory,
    to,
    expected: { measure: 'hitRate', from: rate, to: rate },
    text: `Lower ${CACHE_SETTING} from ${megabytes(totalMemory)} to ${megabytes(to)}: the cache uses ${megabytes(usedMemory)} and has evicted nothing, so it would still serve ${percent(rate)} of reads.`,
  }
}

function enlarge({ periodMs, reads, hits, ghostHits, ghostLoadMs, totalMemory }: CacheFacts): TuningAdvice {
  const from = hits / reads
  // Loads that several reads waited for count once for each of them.
  const to = Math.min(1, (hits + ghostHits) / reads)
  const savedMs = (ghostLoadMs * MINUTE) / periodMs
  const decimals = to - from < 0.02 ? 1 : 0
  const saves = savedMs < 1 ? '' : `, and save ${savedMs.toFixed(0)} ms of loading per minute`
  return {
    kind: 'cacheBytes',
    setting: CACHE_SETTING,
    from: totalMemory,
    to: 2 * totalMemory,
    expected: { measure: 'hitRate', from, to },
    text: `Raise ${CACHE_SETTING} from ${megabytes(totalMemory)} to ${megabytes(2 * totalMemory)}: the cache would serve about ${percent(to, decimals)} instead of ${percent(from, decimals)} of reads${saves}.`,
  }
}

/** A queue of tasks. */
export interface QueueFacts {
  readonly queue: string
  readonly maxConcurrency: number
  readonly queued: number
  readonly processing: number
  readonly oldestTaskMs: number
  readonly isPaused: boolean
  /** Finished attempts of this process per second, in the last minute. */
  readonly throughputPerSecond: number
}

const OLD_TASK_MS = 30_000

/** Whether tasks wait because as many as allowed are running. */
export function isHeldUp({
  isPaused,
  queued,
  oldestTaskMs,
  processing,
  maxConcurrency,
}: QueueFacts): boolean {
  return !isPaused && queued > 0 && oldestTaskMs >= OLD_TASK_MS && processing >= maxConcurrency
}

/** @param cpu - CPU usage of the busiest process in percent; `0` if it is unknown. */
export function queueAdvice(facts: QueueFacts, cpu: number): TuningAdvice | undefined {
  if (!isHeldUp(facts) || cpu >= BUSY_CPU) return undefined
  const { queue, oldestTaskMs, maxConcurrency, throughputPerSecond: rate } = facts
  const kind = 'concurrency'
  const problem = `Tasks of "${queue}" wait up to ${(oldestTaskMs / 1_000).toFixed(0)} s with a concurrency of ${maxConcurrency}, while CPU usage is ${cpu.toFixed(0)}%`
  if (rate === 0) return { kind, text: `${problem}: raise the concurrency.` }
  const to = 2 * maxConcurrency
  return {
    kind,
    setting: queueSetting(queue),
    from: maxConcurrency,
    to,
    expected: { measure: 'tasksPerSecond', from: rate, to: 2 * rate },
    text: `${problem}: raise the concurrency to ${to}. Up to ${shortRate(2 * rate)} instead of ${shortRate(rate)} tasks would finish per second.`,
  }
}

export function queueSetting(queue: string): string {
  return `concurrency of queue ${queue}`
}

function shortRate(rate: number): string {
  return String(Number(rate.toPrecision(2)))
}

interface WaitedPool extends Omit<PoolLoad, 'waits'> {
  /** As in the source of `poolWait`. */
  readonly name: string
  readonly waits: PoolWaits
}

/** Returns advice on a pool that is too small. */
export function poolAdvice(pool: WaitedPool): TuningAdvice | undefined {
  const { name, max, cpu, waits } = pool
  const { meanMs, p95Ms } = waits
  const kind = 'poolSize'
  const problem = `5% of the queries wait at least ${p95Ms.toFixed(0)} ms for a connection of ${name}`
  const usage = `CPU usage is ${cpu.toFixed(0)}%`
  const verdict = judgePool(pool)
  switch (verdict.kind) {
    case 'large-enough':
      return undefined
    case 'busy-cpu':
      return { kind, text: `${problem}, and ${usage}: add workers first.` }
    case 'full-server':
      return {
        kind,
        text: `${problem}, and the server has no free connections: shorten the statements that hold them.`,
      }
    case 'too-small':
      return {
        kind,
        text: `${problem}, while ${usage}: enlarge the pool if the database has capacity. More workers would make it worse.`,
      }
    case 'raise': {
      const { to } = verdict
      const waitMs = meanMs * verdict.share
      return {
        kind,
        setting: poolSetting(name),
        ...(max === undefined ? {} : { from: max }),
        to,
        expected: { measure: 'waitMs', from: meanMs, to: waitMs },
        text: `${problem}, while ${usage}. Raise the maximum of the pool from ${max} to ${to} if the database has capacity: the mean wait of ${shortMs(meanMs)} ms would fall to ${shortMs(waitMs)} ms or less. More workers would make it worse.`,
      }
    }
  }
}

export function poolSetting(name: string): string {
  return `maximum of pool ${name}`
}

function shortMs(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : ms.toFixed(0)
}
