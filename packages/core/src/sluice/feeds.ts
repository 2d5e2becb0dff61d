import type { LoadBalancingEngine } from '../balancing/load-balancing-engine.ts'
import type { ReplicaRouters } from '../balancing/replicas/replica-routers.ts'
import type { CachingStrategyEngine } from '../cache/caching-strategy-engine.ts'
import type { TieredCache } from '../cache/tiered-cache.ts'
import type { DatabaseOptimizationEngine } from '../database/database-optimization-engine.ts'
import type { AsyncBatchProcessingEngine } from '../jobs/async-batch-processing-engine.ts'
import { counter, counters, gauge, snakeCase } from '../monitoring/feeds/families.ts'
import type { MetricFamily } from '../monitoring/feeds/metric-family.ts'
import type { MonitoringAndAutoScalingEngine } from '../monitoring/monitoring-and-auto-scaling-engine.ts'
import { scopeFamilies } from '../monitoring/scopes/scope-families.ts'
import type { ScopeMeter } from '../monitoring/scopes/scope-meter.ts'
import type { QueryStats } from '../pipeline/query-stats.ts'
import { poolFamilies, queryFamilies, replicaFamilies } from './feeds-database.ts'
import { balancerFamilies, jobFamilies } from './feeds-work.ts'

/** What a Sluice has that tells something. */
export interface SluiceFeedParts {
  readonly stats: QueryStats
  readonly scopes: ScopeMeter
  readonly replicas: ReplicaRouters
  readonly database: DatabaseOptimizationEngine | undefined
  readonly cache: CachingStrategyEngine | undefined
  readonly tiered: TieredCache | undefined
  readonly balancer: LoadBalancingEngine | undefined
  readonly jobs: AsyncBatchProcessingEngine | undefined
}

/** Hands what the other engines count over to the one that exports. */
export function addSluiceFeeds(monitor: MonitoringAndAutoScalingEngine, parts: SluiceFeedParts): void {
  const { stats, scopes, replicas, database, cache, tiered, balancer, jobs } = parts
  monitor.addFeed({ name: 'operations', collect: () => operationFamilies(stats) })
  monitor.addFeed({ name: 'scopes', collect: () => scopeFamilies(scopes.series) })
  monitor.addFeed({ name: 'replicas', collect: () => replicaFamilies(replicas) })
  if (database !== undefined) monitor.addFeed({ name: 'database', collect: () => [...queryFamilies(database), ...poolFamilies(database)] })
  if (cache !== undefined) monitor.addFeed({ name: 'cache', collect: () => cacheFamilies(cache, tiered) })
  if (balancer !== undefined) monitor.addFeed({ name: 'balancer', collect: () => balancerFamilies(balancer) })
  if (jobs !== undefined) monitor.addFeed({ name: 'jobs', collect: () => jobFamilies(jobs) })
}

function operationFamilies(stats: QueryStats): readonly MetricFamily[] {
  const { passedThrough, ...counts } = stats.snapshot()
  const saved = { merged: counts.merged, prefetched: counts.prefetched, cached: counts.answered }
  return [
    counter('sluice.operations', 'Operations of ORMs that were seen', '{operation}', counts.seen),
    counter(
      'sluice.operations.executed',
      'Operations, or statements of Knex, that were sent to the database',
      '{operation}',
      counts.executed,
    ),
    counters('sluice.operations.saved', 'Operations answered without a query of their own', '{operation}', 'sluice.saved.by', saved),
    counters('sluice.operations.passed_through', 'Operations left as they were', '{operation}', 'sluice.reason', passedThrough),
    counter('sluice.operations.replayed', 'Lookups of a batch that were asked again singly', '{operation}', counts.replayed),
    counter('sluice.statements', 'Statements seen on connections', '{statement}', counts.statements),
    counter('sluice.batches', 'Queries that answered several lookups', '{query}', counts.batches),
    counter('sluice.prefetches', 'Queries that asked ahead', '{query}', counts.prefetches),
    counter('sluice.prefetch.keys', 'Keys asked ahead', '{key}', counts.prefetchedKeys),
    counter('sluice.prefetch.keys.used', 'Keys asked ahead that were wanted later', '{key}', counts.prefetchedKeysUsed),
    counter('sluice.database.time', 'Time spent waiting for the database', 's', counts.databaseMs / 1_000),
    counter('sluice.shadow.comparisons', 'Operations that ran twice and were compared', '{operation}', counts.shadowed),
    counter('sluice.shadow.differences', 'Comparisons with different results', '{operation}', counts.shadowDifferences),
    counter('sluice.errors', 'Errors inside Sluice', '{error}', counts.errors),
  ]
}

function cacheFamilies(cache: CachingStrategyEngine, tiered: TieredCache | undefined): readonly MetricFamily[] {
  const { hits, misses, itemCount, usedMemory, totalMemory, evictions, expirations, rejected } = cache.getStats()
  const families = [
    counters('sluice.cache.reads', 'Reads of the in-process cache', '{read}', 'sluice.result', { hit: hits, miss: misses }),
    counters('sluice.cache.removals', 'Entries that left by themselves, and values that were too large', '{entry}', 'sluice.reason', {
      ...{ evicted: evictions, expired: expirations, rejected },
    }),
    gauge('sluice.cache.entries', 'Entries of the in-process cache', '{entry}', [{ labels: {}, value: itemCount }]),
    gauge('sluice.cache.memory', 'Estimated heap of all entries', 'By', [{ labels: {}, value: usedMemory }]),
    gauge('sluice.cache.memory.limit', 'What all entries may have', 'By', [{ labels: {}, value: totalMemory }]),
  ]
  if (tiered === undefined) return families
  const events = Object.fromEntries(Object.entries(tiered.getStats()).map(([name, count]) => [snakeCase(name), count]))
  return [...families, counters('sluice.tiered.events', 'What became of requests for kept values', '{event}', 'sluice.event', events)]
}
