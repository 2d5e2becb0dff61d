import { type Alert, describeReason, type MonitoringAndAutoScalingEngine, type Sluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { metricsQuery, requestsQuery } from '../http/parse-query.ts'
import type { CachePage, NodesPage } from '../protocol/engine-pages.ts'
import type { AlertsPage, TimelineEntry } from '../protocol/monitor.ts'
import type { LiveData } from '../stream/live-data.ts'
import { findingsPage } from './findings-page.ts'
import { jobsPage } from './jobs-page.ts'
import { metricsPage } from './metrics-page.ts'
import type { PageParts } from './page-parts.ts'
import { queriesPage } from './queries-page.ts'
import { requestPage, requestsPage } from './requests-page.ts'

interface AllPageParts extends PageParts {
  readonly live: LiveData
  readonly analyzedAt: number | null
}

type Page = (parts: AllPageParts, query: URLSearchParams) => unknown

const pages: Readonly<Record<string, Page>> = {
  now: ({ live, jobs, sluice }) =>
    sluice.jobs === undefined ? live.now() : jobs.refresh().then(() => live.now()),
  requests: (parts, query) => requestsPage(parts, requestsQuery(query)),
  findings: (parts) => (parts.sluice.isDetecting ? findingsPage(parts) : null),
  queries: ({ sluice, analyzedAt, showParameters }) =>
    queriesPage({
      database: sluice.database,
      isAttached: hostOf(sluice).connections.first() !== undefined,
      analyzedAt,
      showParameters,
    }),
  cache: ({ sluice }) => cachePage(sluice),
  yield: ({ yields }) => yields.page(),
  nodes: ({ sluice }) => nodesPage(sluice),
  jobs: ({ sluice, jobs, showParameters }) => jobsPage(sluice, jobs, showParameters),
  metrics: ({ sluice }, query) => metricsPage(sluice.monitor, metricsQuery(query)),
  alerts: ({ sluice }) => alertsPage(sluice.monitor),
}

/** Returns the data of a path below `api/`; `undefined` for an unknown path. */
export async function pageOf(
  path: string,
  query: URLSearchParams,
  parts: AllPageParts,
): Promise<{ readonly value: unknown } | undefined> {
  const [, id] = /^requests\/([\w-]{1,40})$/.exec(path) ?? []
  if (id !== undefined) {
    const value = requestPage(parts, id)
    return value && { value }
  }
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined
  return page && { value: await page(parts, query) }
}

export const MAX_ENTRIES = 300
const MAX_EACH = 150
const MAX_TUNING = 5

/** Alerts and scaling decisions; `null` if the monitor is disabled. */
async function alertsPage(monitor: MonitoringAndAutoScalingEngine | undefined): Promise<AlertsPage | null> {
  if (monitor === undefined) return null
  const active = monitor.getActiveAlerts(MAX_EACH)
  const entries: TimelineEntry[] = [
    ...active.flatMap(entriesOf),
    ...monitor.getResolvedAlerts(MAX_EACH).flatMap(entriesOf),
    ...monitor
      .getScalingHistory(MAX_EACH)
      .map((event) => ({ kind: 'scaling', at: event.timestamp, event }) as const),
    ...monitor.getScalingSkips(MAX_EACH).map((skip) => ({ kind: 'skip', at: skip.timestamp, skip }) as const),
  ]
  const { scaling, advice, tuning } = await monitor.getPerformanceReport()
  return {
    health: monitor.getSystemHealth().status,
    active,
    timeline: entries.sort((a, b) => b.at - a.at).slice(0, MAX_ENTRIES),
    policies: monitor.getScalingPolicies(),
    recommendations: [
      ...monitor.getScalingRecommendations(),
      ...[...advice, ...tuning.slice(0, MAX_TUNING)].map(({ text }) => text),
    ],
    cost: scaling.cost ?? null,
  }
}

function entriesOf(alert: Alert): TimelineEntry[] {
  const { raisedAt, acknowledgedAt, resolvedAt } = alert
  const of = (change: 'raised' | 'acknowledged' | 'resolved', at: number | undefined): TimelineEntry[] =>
    at === undefined ? [] : [{ kind: 'alert', at, change, alert }]
  return [...of('raised', raisedAt), ...of('acknowledged', acknowledgedAt), ...of('resolved', resolvedAt)]
}

/** Statistics of the cache; `null` if the cache is disabled. */
function cachePage(sluice: Sluice): CachePage | null {
  const { cache, tiered, queries, mode } = sluice
  const results = sluice.getResultStats()
  if (cache === undefined || tiered === undefined || results === undefined) return null
  const { seen, executed, statements, cacheHits, batched, prefetched, passedThrough } = queries.getStats()
  const reasons = Object.entries(passedThrough).map(([reason, count]) => ({
    reason,
    text: describeReason(reason),
    count,
  }))
  return {
    stats: cache.getStats(),
    efficiency: cache.getCacheEfficiency(),
    results,
    tiered: tiered.getStats(),
    operations: Math.max(seen, executed),
    cacheHits,
    batched,
    prefetched,
    queries: Math.max(statements, executed),
    passedThrough: reasons.sort((a, b) => b.count - a.count),
    isKeeping: mode === 'optimize',
  }
}

/** Nodes and replicas; `null` if the balancer is disabled and there are no replicas. */
function nodesPage({ balancer, replicas }: Sluice): NodesPage | null {
  const groups = replicas.getStats()
  if (balancer === undefined && groups.length === 0) return null
  const ratio = balancer?.getBalancingEfficiency().imbalanceRatio
  return {
    balancer: balancer?.getClusterStats() ?? null,
    imbalanceRatio: ratio === undefined || !Number.isFinite(ratio) ? null : ratio,
    replicas: groups.map((group) => ({
      ...group,
      replicas: group.replicas.map((replica) => ({
        ...replica,
        lagMs: Number.isFinite(replica.lagMs) ? replica.lagMs : null,
      })),
    })),
  }
}
