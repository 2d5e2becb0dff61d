import type { FindingCode } from '@sluice/core'
import type { RequestSummary } from '../protocol/request.ts'
import type { KeptRequest } from './kept-request.ts'
import { kindOfName, partsOfName } from './kind-of-name.ts'

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
