import type { FindingCode, RequestSummary, WaterfallRow } from '../../../src/protocol/index.ts'
import { duration, percent } from './numbers.ts'

const titles: Readonly<Record<FindingCode, string>> = {
  N_PLUS_ONE: 'N+1',
  REPEATED_QUERY: 'Repeated',
  QUERY_BUDGET: 'Budget',
}

/** Display name of a finding code. */
export function titleOfCode(code: FindingCode): string {
  return titles[code] ?? code
}

/**
 * The time next to a bar: database time if a query was sent, otherwise the time from start to end.
 * Overlapping queries count once.
 */
export function groupTime({ fill, databaseMs, startMs, endMs }: WaterfallRow): string {
  const ms = endMs - startMs
  return duration(fill === 'database' && databaseMs > 0 ? Math.min(databaseMs, ms) : ms)
}

/** The share of reads in a request that needed no separate query. */
export function savedShare({ queries, batched, prefetched, cacheHits }: RequestSummary): string {
  const saved = batched + prefetched + cacheHits
  return saved === 0 ? '–' : percent(saved / (saved + queries))
}

/** Whether a request failed or has a status of 500 or above. */
export function isError({ failed, statusCode }: Pick<RequestSummary, 'failed' | 'statusCode'>): boolean {
  return failed || (statusCode ?? 0) >= 500
}
