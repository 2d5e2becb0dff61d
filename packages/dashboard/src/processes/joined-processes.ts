import type { ProcessLink } from '@sluice/core/siblings'
import { isActionName } from '../actions/perform-action.ts'
import { requestsQuery } from '../http/parse-query.ts'
import type { QuerySessions, SessionQuestion } from '../http/sessions.ts'
import { DEFAULT_LIMIT } from '../pages/requests-page.ts'
import type { ActionName } from '../protocol/action.ts'
import type { CachePage, JobsPage, NodesPage, YieldPage } from '../protocol/engine-pages.ts'
import type { FindingsPage } from '../protocol/finding.ts'
import type { AlertsPage, MetricsPage } from '../protocol/monitor.ts'
import type { QueriesPage } from '../protocol/query.ts'
import type { RequestsPage } from '../protocol/request.ts'
import type { LiveSource } from '../stream/delta-maker.ts'
import type { LiveData } from '../stream/live-data.ts'
import { actInAll } from './act-in-all.ts'
import { AllProcesses } from './all-processes.ts'
import { mergeCache, mergeJobs, mergeNodes, mergeYield } from './merge/merge-engine-pages.ts'
import { mergeAlerts, mergeMetrics } from './merge/merge-monitor.ts'
import { mergeFindings, mergeQueries, mergeRecent } from './merge/merge-queries.ts'
import { answerQuestion, type PeerReply } from './peers.ts'

/** The processes behind a dashboard: only this one, or all connected ones. */
export interface Processes {
  readonly live: LiveSource
  /** Asks the other processes for their data. Never rejects. */
  readonly refresh: () => Promise<void>
  readonly page: (path: string, query: URLSearchParams) => Promise<{ readonly value: unknown } | undefined>
  readonly act: (name: ActionName, body: Readonly<Record<string, unknown>>, actor: string) => Promise<unknown>
  /** Asks the sessions of the other processes. Never rejects. */
  readonly querySessions: QuerySessions
  /** Never rejects. */
  readonly close: () => Promise<void>
}

interface JoinedParts {
  /** The same interface for this process only. */
  readonly alone: Processes
  readonly own: LiveData
  readonly link: ProcessLink
  readonly self: string
  readonly session: (question: SessionQuestion) => number
  readonly hasActions: boolean
  readonly hasSharedJobs: boolean
  /** Monotonic time in milliseconds. */
  readonly now: () => number
  readonly onError: (error: unknown) => void
}

/** Connects this process to the others. Until the link is open, only this process is used. */
export function joinedProcesses(parts: JoinedParts): Processes {
  const { alone, own, link, self, session, hasActions, hasSharedJobs, now, onError } = parts
  const live = new AllProcesses({ own, link, self, now, onError })
  const { page, act } = alone
  const facts = async (query: Parameters<LiveData['facts']>[0]) => own.facts(query)
  const opening = link
    .open(self, (question) =>
      answerQuestion(question, { facts, page, act, session, hasActions, isAction: isActionName }),
    )
    .catch(onError)
  return {
    live,
    refresh: () => live.refresh(),
    page: (path, query) => pageOfAll(path, query, { live, page }),
    act: (name, body, actor) => actInAll(name, body, { peers: live.peers, act, actor, hasSharedJobs }),
    querySessions: async (about) => {
      const replies = await live.peers.queryAll({ kind: 'session', about })
      return Math.max(0, ...replies.map(({ answer }) => ('value' in answer ? Number(answer.value) : 0)))
    },
    close: () => opening.then(() => live.peers.close()).catch(onError),
  }
}

interface PagesParts {
  readonly live: AllProcesses
  /** Returns the page of this process; `undefined` if it does not exist. */
  readonly page: (path: string, query: URLSearchParams) => Promise<{ readonly value: unknown } | undefined>
}

/** Returns the data of a path below `api/`, merged over all processes that respond. */
async function pageOfAll(
  path: string,
  query: URLSearchParams,
  { live, page }: PagesParts,
): Promise<{ readonly value: unknown } | undefined> {
  if (path === 'now') {
    // The page of this process reads its queues again.
    await Promise.all([page(path, query), live.refresh()])
    return { value: live.now() }
  }
  const pending = live.peers.queryAll({ kind: 'page', path, search: query.toString() })
  const own = await page(path, query)
  // A request is stored in one process only.
  if (own !== undefined && path.startsWith('requests/')) return own
  const values = (await pending).flatMap(({ answer }: PeerReply) => ('value' in answer ? [answer.value] : []))
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
  readonly yield: YieldPage
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
  yield: mergeYield,
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
