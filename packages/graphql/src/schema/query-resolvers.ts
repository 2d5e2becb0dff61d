import { analyzeSql, type Dialect, type QueryAnalysis, type Sluice, SluiceError } from '@sluice/core'
import type { SluiceQueryField } from './field-gate.ts'
import { minuteMetrics, toInt } from './minute-metrics.ts'
import { engineOf, text, whole } from './resolver-inputs.ts'

/** Retention of metrics in hours. */
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
