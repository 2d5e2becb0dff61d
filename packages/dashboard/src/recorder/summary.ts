import type { FindingCode } from '@sluice/core'
import type { RequestSummary } from '../protocol/request.ts'
import type { KeptRequest } from './kept-request.ts'

/** A request as a row of a list. */
export function summaryOf(request: KeptRequest, process: string): RequestSummary {
  const { id, name, mode, statusCode, failed, startedAt, durationMs } = request
  const { operations, queries, merged, prefetched, answered, databaseMs, findings } = request
  const codes = new Set<FindingCode>(findings.map(({ code }) => code))
  return {
    ...{ id, process, name, kind: kindOfName(name), ...partsOfName(name) },
    statusCode: statusCode ?? null,
    ...{ failed, mode, startedAt, durationMs: thousandths(durationMs), operations, queries, merged, prefetched, answered },
    databaseMs: thousandths(databaseMs),
    findings: [...codes],
  }
}

/** Milliseconds with three digits after the point: clocks tell no more. */
export function thousandths(ms: number): number {
  return Math.round(ms * 1_000) / 1_000
}

const REQUEST = /^([A-Z]{1,20}) (\/.*|\(no route\))$/s

/** What a scope's name says of it, as adapters write it: `GET /cities/:id`, `GET (no route)`, `job mail`. */
export function kindOfName(name: string): RequestSummary['kind'] {
  if (REQUEST.test(name)) return 'request'
  return name.startsWith('job ') ? 'job' : 'other'
}

/** The method and the route of a request's name. */
function partsOfName(name: string): { readonly method: string | null; readonly route: string | null } {
  const [, method = null, route = null] = REQUEST.exec(name) ?? []
  return { method, route: route === '(no route)' ? null : route }
}
