import { requestsQuery } from '../http/parse-query.ts'
import { DEFAULT_LIMIT } from '../pages/requests-page.ts'
import type { CachePage } from '../protocol/cache.ts'
import type { FindingsPage } from '../protocol/finding.ts'
import type { JobsPage } from '../protocol/jobs.ts'
import type { AlertsPage, MetricsPage } from '../protocol/monitor.ts'
import type { NodesPage } from '../protocol/nodes.ts'
import type { QueriesPage } from '../protocol/query.ts'
import type { RequestsPage } from '../protocol/request.ts'
import type { AllProcesses } from './all-processes.ts'
import { mergeCache } from './merge/merge-cache.ts'
import { mergeFindings, mergeRecent } from './merge/merge-findings.ts'
import { mergeJobs } from './merge/merge-jobs.ts'
import { mergeAlerts, mergeMetrics } from './merge/merge-monitor.ts'
import { mergeNodes } from './merge/merge-nodes.ts'
import { mergeQueries } from './merge/merge-queries.ts'
import type { Told } from './peers.ts'

interface PagesParts {
  readonly live: AllProcesses
  /** Returns the page of this process; `undefined` if it does not exist. */
  readonly page: (path: string, query: URLSearchParams) => Promise<{ readonly value: unknown } | undefined>
}

/** Returns the data of a path below `api/`, merged over all processes that respond. */
export async function pageOfAll(
  path: string,
  query: URLSearchParams,
  { live, page }: PagesParts,
): Promise<{ readonly value: unknown } | undefined> {
  if (path === 'now') {
    // The page of this process reads its queues again.
    await Promise.all([page(path, query), live.refresh()])
    return { value: live.now() }
  }
  const asking = live.peers.askAll({ kind: 'page', path, search: query.toString() })
  const own = await page(path, query)
  // A request is stored in one process only.
  if (own !== undefined && path.startsWith('requests/')) return own
  const values = (await asking).flatMap(({ answer }: Told) => ('value' in answer ? [answer.value] : []))
  if (own === undefined) return values.length === 0 ? undefined : { value: values[0] }
  if (values.length === 0) return own
  if (path === 'requests') {
    await live.refresh()
    const { limit = DEFAULT_LIMIT } = requestsQuery(query)
    return {
      value: {
        ...mergeRecent([own.value, ...values] as RequestsPage[], limit),
        routes: live.routes(),
        ring: live.ring(),
      },
    }
  }
  return { value: mergePage(path, [own.value, ...values]) }
}

interface MergeablePages {
  readonly findings: FindingsPage
  readonly queries: QueriesPage
  readonly cache: CachePage
  readonly nodes: NodesPage
  readonly jobs: JobsPage
  readonly metrics: MetricsPage
  readonly alerts: AlertsPage
}

const merges: {
  readonly [K in keyof MergeablePages]: (
    pages: readonly [MergeablePages[K], ...MergeablePages[K][]],
  ) => MergeablePages[K]
} = {
  findings: mergeFindings,
  queries: mergeQueries,
  cache: mergeCache,
  nodes: mergeNodes,
  jobs: mergeJobs,
  metrics: mergeMetrics,
  alerts: mergeAlerts,
}

/**
 * Merges one page of several processes: `null` if its engine is disabled in all of them, `undefined` for a
 * page that cannot be merged this way.
 */
function mergePage(path: string, values: readonly unknown[]): unknown {
  if (!Object.hasOwn(merges, path)) return undefined
  const merge = merges[path as keyof MergeablePages] as (pages: readonly [unknown, ...unknown[]]) => unknown
  const [first, ...others] = values.filter((value) => value !== null)
  return first === undefined ? null : merge([first, ...others])
}
