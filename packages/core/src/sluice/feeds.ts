import type { LoadBalancingEngine } from '../balancing/load-balancing-engine.ts'
import type { ReplicaRouters } from '../balancing/replicas/replica-routers.ts'
import type { TieredStats } from '../cache/cache-stats.ts'
import type { CachingStrategyEngine } from '../cache/caching-strategy-engine.ts'
import type { CacheStore } from '../cache/stores/cache-store.ts'
import type { TieredCache } from '../cache/tiered-cache.ts'
import type { WorkloadRecorder } from '../database/workload-recorder.ts'
import type { AsyncBatchProcessingEngine } from '../jobs/async-batch-processing-engine.ts'
import { counter, counters, gauge, type MetricFamily, snakeCase } from '../monitoring/feeds/metric-family.ts'
import type { MonitoringAndAutoScalingEngine } from '../monitoring/monitoring-and-auto-scaling-engine.ts'
import type { ScopeMeter } from '../monitoring/scopes/scope-meter.ts'
import { scopeFamilies } from '../monitoring/scopes/scope-series.ts'
import type { QueryStats } from '../pipeline/query-stats.ts'
import { databaseFamilies, replicaFamilies } from './feeds-database.ts'
import { balancerFamilies, jobFamilies } from './feeds-work.ts'

/** The engines that were used. */
interface CreatedEngines {
  readonly caching:
    | {
        readonly engine: CachingStrategyEngine
        readonly results: TieredStats
        readonly tiered: TieredCache
      }
    | undefined
  readonly balancer: LoadBalancingEngine | undefined
  readonly jobs: AsyncBatchProcessingEngine | undefined
}

export interface SluiceFeedParts {
  readonly stats: QueryStats
  readonly scopes: ScopeMeter | undefined
  readonly replicas: ReplicaRouters
  readonly workload: WorkloadRecorder | undefined
  readonly store: CacheStore | undefined
  /** Called for each export. A feed does not create an engine. */
  created(): CreatedEngines
}

/** Exports the counters of the other engines through the monitoring engine. */
export function addSluiceFeeds(monitor: MonitoringAndAutoScalingEngine, parts: SluiceFeedParts): void {
  const { stats, scopes, replicas, workload, store } = parts
  monitor.addFeed({ name: 'operations', collect: () => operationFamilies(stats) })
  if (scopes !== undefined) monitor.addFeed({ name: 'scopes', collect: () => scopeFamilies(scopes.series) })
  monitor.addFeed({ name: 'replicas', collect: () => replicaFamilies(replicas) })
  if (workload !== undefined) monitor.addFeed({ name: 'database', collect: () => databaseFamilies(workload) })
  monitor.addFeed({ name: 'cache', collect: () => cacheFamilies(parts.created().caching) })
  if (store?.regions !== undefined)
    monitor.addFeed({
      name: 'regions',
      collect: async () => (await import('./feeds-regions.ts')).regionFamilies(store),
    })
  monitor.addFeed({ name: 'balancer', collect: () => balancerFamilies(parts.created().balancer) })
  monitor.addFeed({ name: 'jobs', collect: () => jobFamilies(parts.created().jobs) })
}

function operationFamilies(stats: QueryStats): readonly MetricFamily[] {
  const { passedThrough, overhead, ...counts } = stats.snapshot()
  const saved = { batched: counts.batched, prefetched: counts.prefetched, cached: counts.cacheHits }
  return [
    counter('sluice.operations', 'ORM operations that Sluice saw', '{operation}', counts.seen),
    counter(
      'sluice.operations.executed',
      'Operations sent to the database, or statements for adapters that record each statement',
      '{operation}',
      counts.executed,
    ),
    counters(
      'sluice.operations.saved',
      'Operations that needed no separate query',
      '{operation}',
      'sluice.saved.by',
      saved,
    ),
    counters(
      'sluice.operations.passed_through',
      'Operations that Sluice passed through',
      '{operation}',
      'sluice.reason',
      passedThrough,
    ),
    counter(
      'sluice.operations.replayed',
      'Lookups of a batch that had to run again individually',
      '{operation}',
      counts.replayed,
    ),
    counter('sluice.statements', 'Statements seen on connections', '{statement}', counts.statements),
    counter('sluice.batches', 'Queries that returned the rows of several lookups', '{query}', counts.batches),
    counter('sluice.prefetches', 'Queries that prefetched', '{query}', counts.prefetches),
    counter('sluice.prefetch.keys', 'Prefetched keys', '{key}', counts.prefetchedKeys),
    counter(
      'sluice.prefetch.keys.used',
      'Prefetched keys that the app requested later',
      '{key}',
      counts.prefetchedKeysUsed,
    ),
    counter('sluice.database.time', 'Time spent waiting for the database', 's', counts.databaseMs / 1_000),
    counter(
      'sluice.overhead.time',
      'CPU time that Sluice adds to scopes, estimated from 1 of 17 scopes',
      's',
      overhead.totalMs / 1_000,
    ),
    counter(
      'sluice.shadow.comparisons',
      'Operations that ran twice and were compared',
      '{operation}',
      counts.shadowed,
    ),
    counter(
      'sluice.shadow.differences',
      'Comparisons with different results',
      '{operation}',
      counts.shadowDifferences,
    ),
    counter('sluice.errors', 'Errors in Sluice', '{error}', counts.errors),
  ]
}

function cacheFamilies(caching: CreatedEngines['caching']): readonly MetricFamily[] {
  if (caching === undefined) return []
  const { hits, misses, itemCount, usedMemory, totalMemory, evictions, expirations, rejected } =
    caching.engine.getStats()
  return [
    counters('sluice.cache.reads', 'Reads of the in-process cache', '{read}', 'sluice.result', {
      hit: hits,
      miss: misses,
    }),
    counters(
      'sluice.cache.removals',
      'Entries that expired or were evicted, and values that were too large',
      '{entry}',
      'sluice.reason',
      {
        evicted: evictions,
        expired: expirations,
        rejected,
      },
    ),
    gauge('sluice.cache.entries', 'Entries of the in-process cache', '{entry}', [
      { labels: {}, value: itemCount },
    ]),
    gauge('sluice.cache.memory', 'Estimated heap of all entries', 'By', [{ labels: {}, value: usedMemory }]),
    gauge('sluice.cache.memory.limit', 'Memory budget of all entries', 'By', [
      { labels: {}, value: totalMemory },
    ]),
    events('sluice.results.events', 'Outcomes of requests for cached query results', caching.results),
    events('sluice.tiered.events', "Outcomes of requests for the app's values", caching.tiered.getStats()),
  ]
}

function events(name: string, help: string, stats: TieredStats): MetricFamily {
  const counts = Object.entries(stats).map(([event, count]) => [snakeCase(event), count])
  return counters(name, help, '{event}', 'sluice.event', Object.fromEntries(counts))
}
