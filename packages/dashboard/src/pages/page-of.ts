import type { AdapterHost } from '@sluice/core/siblings'
import { metricsQuery, requestsQuery } from '../http/parse-query.ts'
import type { LiveData } from '../stream/live-data.ts'
import { alertsPage } from './alerts-page.ts'
import { cachePage } from './cache-page.ts'
import { findingsPage } from './findings-page.ts'
import type { JobFacts } from './job-facts.ts'
import { jobsPage } from './jobs-page.ts'
import { metricsPage } from './metrics-page.ts'
import { nodesPage } from './nodes-page.ts'
import type { PageParts } from './page-parts.ts'
import { queriesPage } from './queries-page.ts'
import { requestPage } from './request-page.ts'
import { requestsPage } from './requests-page.ts'

export interface AllPageParts extends PageParts {
  readonly host: Pick<AdapterHost, 'connections'>
  readonly live: LiveData
  readonly jobs: JobFacts
  readonly analyzedAt: number | null
}

type Page = (parts: AllPageParts, query: URLSearchParams) => unknown

const pages: Readonly<Record<string, Page>> = {
  now: ({ live, jobs, sluice }) => (sluice.jobs === undefined ? live.now() : jobs.refresh().then(() => live.now())),
  requests: (parts, query) => requestsPage(parts, requestsQuery(query)),
  findings: (parts) => (parts.sluice.detects ? findingsPage(parts) : null),
  queries: ({ sluice, host, analyzedAt, showParameters }) =>
    queriesPage({ database: sluice.database, isAttached: host.connections.first() !== undefined, analyzedAt, showParameters }),
  cache: ({ sluice }) => cachePage(sluice),
  nodes: ({ sluice }) => nodesPage(sluice),
  jobs: ({ sluice, jobs, showParameters }) => jobsPage(sluice, jobs, showParameters),
  metrics: ({ sluice }, query) => metricsPage(sluice.monitor, metricsQuery(query)),
  alerts: ({ sluice }) => alertsPage(sluice.monitor),
}

/** What is at a path below `api/`; `undefined`: nothing. */
export async function pageOf(path: string, query: URLSearchParams, parts: AllPageParts): Promise<{ readonly value: unknown } | undefined> {
  const [, id] = /^requests\/([\w-]{1,40})$/.exec(path) ?? []
  if (id !== undefined) {
    const value = requestPage(parts, id)
    return value && { value }
  }
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined
  return page && { value: await page(parts, query) }
}
