import type { ServerNode, Sluice } from '@sluice/core'
import type { FindingItem } from '../protocol/finding.ts'
import type { Badges, Engines, Totals, Vitals } from '../protocol/now.ts'
import type { RequestRecorder } from '../recorder/request-recorder.ts'
import type { JobFacts } from './job-facts.ts'
import { short } from './sparklines.ts'

export function vitalsOf({ monitor }: Sluice, recorder: RequestRecorder): Vitals {
  const now = (metric: string): number | null => {
    const value = monitor?.currentLoad(metric)
    return value === undefined ? null : short(value)
  }
  const times = monitor?.getSystemHealth().metrics.find(({ metric }) => metric === 'responseTime')
  const share = recorder.cacheShare()
  return {
    requestsPerSecond: now('requests'),
    p50: times === undefined ? null : short(times.p50),
    p95: times === undefined ? null : short(times.p95),
    p99: times === undefined ? null : short(times.p99),
    errorRate: now('errorRate'),
    queriesPerSecond: short(recorder.queriesPerSecond()),
    cacheShare: share === undefined ? null : short(share),
    cpu: now('cpu'),
    memory: now('memory'),
    eventLoopDelay: now('eventLoopDelay'),
  }
}

export function totalsOf({ queries }: Sluice, recorder: RequestRecorder): Totals {
  const { seen, statements, executed, batched, prefetched, cacheHits, databaseMs, errors, overhead } =
    queries.getStats()
  return {
    requests: recorder.requests,
    // In observe mode, statements of Knex, Kysely and Drizzle are operations that `seen` does not count.
    operations: Math.max(seen, executed),
    queries: Math.max(statements, executed),
    spared: batched + prefetched + cacheHits,
    databaseMs: Math.round(databaseMs),
    timedRequests: overhead.timedScopes,
    overheadMs: short(overhead.timedMs),
    timedMs: short(overhead.timedDurationMs),
    errors,
  }
}

export function badgesOf(
  { monitor, balancer }: Sluice,
  findings: readonly FindingItem[],
  jobs: JobFacts,
): Badges {
  return {
    findings: findings.filter(({ isMuted }) => !isMuted).length,
    alerts: openAlerts(monitor),
    deadLetters: jobs.deadLetters,
    nodes: balancer?.nodes.filter(isBad).length ?? 0,
  }
}

/** Number of alerts that are not acknowledged. */
export function openAlerts(monitor: Sluice['monitor']): number {
  return monitor?.getActiveAlerts().filter(({ status }) => status === 'active').length ?? 0
}

/** Whether a node needs attention. */
export function isBad({ status }: Pick<ServerNode, 'status'>): boolean {
  return status === 'degraded' || status === 'unhealthy'
}

export function enginesOf(sluice: Sluice): Engines {
  const { cache, database, balancer, jobs, monitor } = sluice
  return {
    detection: sluice.isDetecting,
    cache: cache !== undefined,
    database: database !== undefined,
    balancer: balancer !== undefined,
    jobs: jobs !== undefined,
    monitor: monitor !== undefined,
  }
}
