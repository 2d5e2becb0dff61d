import {
  analyzeSql,
  type Dialect,
  type MonitoringAndAutoScalingEngine,
  type QueryAnalysis,
  type Sluice,
  SluiceError,
} from '@sluice/core'
import type { MetricName } from '@sluice/core/siblings'
import type { SluiceQueryField } from './field-gate.ts'
import { engineOf, text, whole } from './schema-options.ts'

const MAX_HOURS = 72
const MAX_LIMIT = 1_000

type Args = Readonly<Record<string, unknown>>

/** Resolvers of the fields of `Query`. */
export function queryResolvers(sluice: Sluice): Readonly<Record<SluiceQueryField, (args: Args) => unknown>> {
  return {
    performanceMetrics: ({ hours }) =>
      minuteMetrics(engineOf(sluice, 'monitor'), whole('hours', hours, MAX_HOURS)),
    cacheStats: () => {
      const { hits, misses, hitRate, itemCount, usedMemory, totalMemory } = engineOf(
        sluice,
        'cache',
      ).getStats()
      return {
        hits: toInt(hits),
        misses: toInt(misses),
        hitRate,
        itemCount: toInt(itemCount),
        usedMemory: toInt(usedMemory),
        totalMemory: toInt(totalMemory),
      }
    },
    clusterStatus: () => {
      const { healthyNodes, unhealthyNodes, averageLoad, totalCapacity } = engineOf(
        sluice,
        'balancer',
      ).getClusterStats()
      return { healthyNodes, unhealthyNodes, averageLoad, totalCapacity: toInt(totalCapacity) }
    },
    slowQueries: ({ limit }) =>
      engineOf(sluice, 'database')
        .getSlowQueries(undefined, whole('limit', limit ?? 20, MAX_LIMIT))
        .map(slowQuery),
    scalingHistory: ({ limit }) => {
      const events = engineOf(sluice, 'monitor').getScalingHistory(whole('limit', limit ?? 50, MAX_LIMIT))
      return events.map((event) => ({ ...event, timestamp: Math.floor(event.timestamp / 1_000) }))
    },
    scalingRecommendations: () => engineOf(sluice, 'monitor').getScalingRecommendations(),
    predictedLoad: ({ metric, minutesAhead }) => {
      const name = text('metric', metric)
      const prediction = engineOf(sluice, 'monitor').predictLoad(name, (minutesAhead ?? 5) as number)
      if (prediction === undefined)
        throw new SluiceError(
          'SLUICE_NO_FORECAST',
          `No forecast for "${name}": it has no recorded values, or forecasts are disabled for it.`,
        )
      return prediction
    },
    batchJobStatus: ({ jobId }) => engineOf(sluice, 'jobs').getBatchProgress(text('jobId', jobId)),
    queueStats: ({ queueName }) =>
      engineOf(sluice, 'jobs').getProcessingStats(text('queueName', queueName ?? 'default')),
  }
}

const DIALECTS: readonly Dialect[] = ['postgresql', 'mysql', 'sqlite']

/** Returns a slow statement without the values that the app wrote into it. */
export function slowQuery(analysis: QueryAnalysis): QueryAnalysis {
  const { query, fingerprint } = analysis
  const known = DIALECTS.map((dialect) => analyzeSql(query, dialect)).find(
    (analyzed) => analyzed.fingerprint === fingerprint,
  )
  return { ...analysis, query: known?.shape ?? `statement ${fingerprint}` }
}

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const NOT_KNOWN = -1

/** Metrics of one minute. -1 for an unknown value. */
interface MinuteMetrics {
  /** Start of the minute, in seconds since 1970. */
  readonly timestamp: number
  readonly cpu: number
  readonly memory: number
  readonly disk: number
  readonly responseTime: number
  readonly errorRate: number
  readonly requestsPerSecond: number
}

interface Sum {
  total: number
  count: number
}

/**
 * Returns the means of each minute with values, in order. Minutes without values are omitted, because missing
 * is not zero.
 */
function minuteMetrics(monitor: MonitoringAndAutoScalingEngine, hours: number): readonly MinuteMetrics[] {
  const by = (metric: MetricName) => byMinute(monitor, metric, hours * HOUR_MS)
  const [cpu, memory, disk, responseTime] = [by('cpu'), by('memory'), by('disk'), by('responseTime')]
  const [errorRate, requests] = [by('errorRate'), by('requests')]
  const minutes = new Set(
    [cpu, memory, disk, responseTime, errorRate, requests].flatMap((values) => [...values.keys()]),
  )
  return [...minutes]
    .sort((a, b) => a - b)
    .map((minute) => ({
      timestamp: minute * 60,
      cpu: mean(cpu.get(minute)),
      memory: mean(memory.get(minute)),
      disk: mean(disk.get(minute)),
      responseTime: mean(responseTime.get(minute)),
      errorRate: mean(errorRate.get(minute)),
      requestsPerSecond: toInt(mean(requests.get(minute))),
    }))
}

function byMinute(
  monitor: MonitoringAndAutoScalingEngine,
  metric: MetricName,
  windowMs: number,
): ReadonlyMap<number, Sum> {
  const sums = new Map<number, Sum>()
  for (const { timestamp, value } of monitor.getMetricTrend(metric, windowMs)) {
    const minute = Math.floor(timestamp / MINUTE_MS)
    const sum = sums.get(minute) ?? { total: 0, count: 0 }
    sum.total += value
    sum.count += 1
    sums.set(minute, sum)
  }
  return sums
}

function mean(sum: Sum | undefined): number {
  return sum === undefined ? NOT_KNOWN : sum.total / sum.count
}

const MAX_INT = 2_147_483_647

/**
 * Converts to a GraphQL `Int`, which has 32 bits. Returns -1 for an unknown value, and for one that does not
 * fit.
 */
export function toInt(value: number): number {
  return Number.isFinite(value) && Math.abs(value) <= MAX_INT ? Math.round(value) : -1
}
