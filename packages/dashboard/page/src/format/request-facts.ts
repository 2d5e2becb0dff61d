import type { FindingCode, RequestSummary, WaterfallRow } from '../../../src/protocol/index.ts'
import { duration, percent } from './numbers.ts'

const titles: Readonly<Record<FindingCode, string>> = { N_PLUS_ONE: 'N+1', REPEATED_QUERY: 'Repeated', QUERY_BUDGET: 'Budget' }

/** What people call a kind of finding. */
export function titleOfCode(code: FindingCode): string {
  return titles[code] ?? code
}

/** The time that stands beside a bar: of the database where it was asked, else from beginning to end. */
export function groupTime({ fill, databaseMs, startMs, endMs }: WaterfallRow): string {
  return duration(fill === 'database' && databaseMs > 0 ? databaseMs : endMs - startMs)
}

/** The share of a request's reads that made no query of their own. */
export function sparedShare({ queries, merged, prefetched, answered }: RequestSummary): string {
  const spared = merged + prefetched + answered
  return spared === 0 ? '–' : percent(spared / (spared + queries))
}

/** Whether a request went wrong: it failed, or its status says so. */
export function isError({ failed, statusCode }: Pick<RequestSummary, 'failed' | 'statusCode'>): boolean {
  return failed || (statusCode ?? 0) >= 500
}
