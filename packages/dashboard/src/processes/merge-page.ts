import type { AlertsPage } from '../protocol/alerts.ts'
import type { CachePage } from '../protocol/cache.ts'
import type { FindingsPage } from '../protocol/finding.ts'
import type { JobsPage } from '../protocol/jobs.ts'
import type { MetricsPage } from '../protocol/metrics.ts'
import type { NodesPage } from '../protocol/nodes.ts'
import type { QueriesPage } from '../protocol/query.ts'
import { mergeAlerts } from './merge/merge-alerts.ts'
import { mergeCache } from './merge/merge-cache.ts'
import { mergeFindings } from './merge/merge-findings.ts'
import { mergeJobs } from './merge/merge-jobs.ts'
import { mergeMetrics } from './merge/merge-metrics.ts'
import { mergeNodes } from './merge/merge-nodes.ts'
import { mergeQueries } from './merge/merge-queries.ts'

interface MergeablePages {
  readonly findings: FindingsPage
  readonly queries: QueriesPage
  readonly cache: CachePage
  readonly nodes: NodesPage
  readonly jobs: JobsPage
  readonly metrics: MetricsPage
  readonly alerts: AlertsPage
}

const merges: { readonly [K in keyof MergeablePages]: (pages: readonly [MergeablePages[K], ...MergeablePages[K][]]) => MergeablePages[K] } =
  {
    findings: mergeFindings,
    queries: mergeQueries,
    cache: mergeCache,
    nodes: mergeNodes,
    jobs: mergeJobs,
    metrics: mergeMetrics,
    alerts: mergeAlerts,
  }

/** The same page of several processes as one; `null` where it is off in all of them; `undefined`: it is none that can be merged by itself. */
export function mergePage(path: string, values: readonly unknown[]): unknown {
  if (!Object.hasOwn(merges, path)) return undefined
  const merge = merges[path as keyof MergeablePages] as (pages: readonly [unknown, ...unknown[]]) => unknown
  const [first, ...others] = values.filter((value) => value !== null)
  return first === undefined ? null : merge([first, ...others])
}
