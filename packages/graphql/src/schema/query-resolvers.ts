import { InvalidArgumentError, option, type Sluice, SluiceError } from '@sluice/core'
import { engineOf } from './engine-of.ts'
import type { SluiceQueryField } from './field-gate.ts'
import { minuteMetrics } from './minute-metrics.ts'
import { slowQuery } from './slow-query.ts'
import { toInt } from './to-int.ts'

/** As long as metrics are kept. */
const MAX_HOURS = 72
const MAX_LIMIT = 1_000
const MAX_NAME = 200

type Args = Readonly<Record<string, unknown>>

/** What each field of `Query` is answered by. */
export function queryResolvers(sluice: Sluice): Readonly<Record<SluiceQueryField, (args: Args) => unknown>> {
  return {
    performanceMetrics: ({ hours }) => minuteMetrics(engineOf(sluice, 'monitor'), whole('hours', hours, MAX_HOURS)),
    cacheStats: () => {
      const { hits, misses, hitRate, itemCount, usedMemory, totalMemory } = engineOf(sluice, 'cache').getStats()
      return {
        ...{ hits: toInt(hits), misses: toInt(misses), hitRate, itemCount: toInt(itemCount) },
        ...{ usedMemory: toInt(usedMemory), totalMemory: toInt(totalMemory) },
      }
    },
    clusterStatus: () => {
      const { healthyNodes, unhealthyNodes, averageLoad, totalCapacity } = engineOf(sluice, 'balancer').getClusterStats()
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
        throw new SluiceError('SLUICE_NO_FORECAST', `There is no forecast of "${name}": nothing was recorded of it, or it is not forecast.`)
      return prediction
    },
    batchJobStatus: ({ jobId }) => engineOf(sluice, 'jobs').getBatchProgress(text('jobId', jobId)),
    queueStats: ({ queueName }) => engineOf(sluice, 'jobs').getProcessingStats(text('queueName', queueName ?? 'default')),
  }
}

function whole(argument: string, value: unknown, max: number): number {
  const rule = option.integer(1, max)
  if (!rule.accepts(value)) throw new InvalidArgumentError(argument, rule.expected, value)
  return value as number
}

/** @throws InvalidArgumentError for what is no text of 1 to 200 characters. */
export function text(argument: string, value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_NAME)
    throw new InvalidArgumentError(argument, `a text of 1 to ${MAX_NAME} characters`, value)
  return value
}
