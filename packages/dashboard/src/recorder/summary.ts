import type { FindingCode } from '@sluice/core'
import type { RequestSummary } from '../protocol/request.ts'
import type { RecordedRequest } from './recorded-request.ts'

/** Converts a request to a row of a list. */
export function summaryOf(request: RecordedRequest, process: string): RequestSummary {
  const { id, name, mode, statusCode, failed, startedAt, durationMs } = request
  const { operations, queries, batched, prefetched, cacheHits, databaseMs, findings } = request
  const codes = new Set<FindingCode>(findings.map(({ code }) => code))
  return {
    id,
    process,
    name,
    kind: kindOfName(name),
    ...partsOfName(name),
    statusCode: statusCode ?? null,
    failed,
    mode,
    startedAt,
    durationMs: thousandths(durationMs),
    operations,
    queries,
    batched,
    prefetched,
    cacheHits,
    databaseMs: thousandths(databaseMs),
    findings: [...codes],
  }
}

/** Rounds milliseconds to 3 decimals, the resolution of the clock. */
export function thousandths(ms: number): number {
  return Math.round(ms * 1_000) / 1_000
}

const REQUEST = /^([A-Z]{1,20}) (\/.*|\((?:unmatched|other)\))$/s

/**
 * Returns the kind of a scope by its name, as adapters format it: `GET /cities`, `GET (unmatched)`, `job
 * mail`.
 */
export function kindOfName(name: string): RequestSummary['kind'] {
  if (REQUEST.test(name)) return 'request'
  return name.startsWith('job ') ? 'job' : 'other'
}

/** Returns the method and route in the name of a request. */
function partsOfName(name: string): { readonly method: string | null; readonly route: string | null } {
  const [, method = null, route = null] = REQUEST.exec(name) ?? []
  return { method, route: route === '(unmatched)' ? null : route }
}
