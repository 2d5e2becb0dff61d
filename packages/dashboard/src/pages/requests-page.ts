import type { RequestsPage, RequestsQuery } from '../protocol/request.ts'
import type { KeptRequest } from '../recorder/kept-request.ts'
import { summaryOf } from '../recorder/summary.ts'
import type { PageParts } from './page-parts.ts'

export const DEFAULT_LIMIT = 100
export const MAX_LIMIT = 500

/** Which routes overspend, and what came last. */
export function requestsPage({ recorder, process }: Pick<PageParts, 'recorder' | 'process'>, query: RequestsQuery = {}): RequestsPage {
  const matching = recorder.ring.newestFirst().filter((request) => matches(request, query))
  return {
    routes: recorder.routes.rows(recorder.now()),
    recent: matching.slice(0, query.limit ?? DEFAULT_LIMIT).map((request) => summaryOf(request, process)),
    matching: matching.length,
    ring: recorder.ring.state(),
  }
}

function matches(request: KeptRequest, { name, status, code, minMs = 0, minQueries = 0 }: RequestsQuery): boolean {
  if (request.durationMs < minMs || request.queries < minQueries) return false
  if (name !== undefined && !request.name.toLowerCase().includes(name.toLowerCase())) return false
  if (status !== undefined && !hasStatus(request, status)) return false
  return code === undefined || request.findings.some((finding) => code === 'any' || finding.code === code)
}

function hasStatus({ statusCode = 0, failed }: KeptRequest, status: NonNullable<RequestsQuery['status']>): boolean {
  if (status === 'error') return failed || statusCode >= 500
  return Math.floor(statusCode / 100) === Number(status[0])
}
