import { LRUCache } from 'lru-cache'
import { analyzeSql } from '../../sql/analyze.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { DatabaseSnapshot } from '../inspectors/database-snapshot.ts'
import { callSiteOf, type WorkloadEntry } from '../workload/workload-record.ts'
import { analyzeQueryText, type Measured, type QueryAnalysis } from './analyze-query.ts'

/** Sources of slow statements. The first source that knows a normalized query is used. */
export interface SlowSources {
  readonly workload: readonly WorkloadEntry[]
  readonly analyzed: readonly (readonly [string, AnalyzedQuery])[]
  readonly snapshot: DatabaseSnapshot | undefined
}

interface Candidate {
  readonly query: string
  readonly dialect: Dialect
  readonly calls: number
  readonly totalMs: number
  readonly maxMs: number
  /** Sum of all calls. -1: unknown. */
  readonly rowsScanned: number
  readonly rowsReturned: number
  readonly callSite: QueryAnalysis['callSite']
}

/**
 * Shapes of which one execution took at least so many milliseconds; those that took the most in total first.
 */
export function slowQueries(sources: SlowSources, threshold: number, limit: number): QueryAnalysis[] {
  const slow = [...candidates(sources).values()].filter(({ maxMs }) => maxMs >= threshold)
  const chosen = slow.sort((a, b) => b.totalMs - a.totalMs).slice(0, limit)
  return chosen.map(({ query, dialect, calls, totalMs, maxMs, rowsScanned, rowsReturned, callSite }) => {
    const perCall = (sum: number) => (sum < 0 ? -1 : sum / Math.max(1, calls))
    const measured = {
      executionTime: perCall(totalMs),
      rowsScanned: perCall(rowsScanned),
      rowsReturned: perCall(rowsReturned),
    }
    const analysis = analyzeQueryText(query, dialect, measured, sources.snapshot)
    const place = callSite === undefined ? {} : { callSite }
    return { ...analysis, ...place, calls, totalTime: totalMs, maxTime: maxMs }
  })
}

function candidates({ workload, analyzed, snapshot }: SlowSources): ReadonlyMap<string, Candidate> {
  const found = new Map<string, Candidate>()
  const passed = new Map(analyzed)
  for (const entry of workload) {
    const { fingerprint, sql, dialect, calls, totalMs, maxMs, rows } = entry
    const known = passed.get(fingerprint)
    // How many rows it reads is known of those that were handed in.
    const rowsScanned = known === undefined ? -1 : (known.rowsScanned / known.calls) * calls
    found.set(fingerprint, {
      query: sql,
      dialect,
      calls,
      totalMs,
      maxMs,
      rowsScanned,
      rowsReturned: rows,
      callSite: callSiteOf(entry),
    })
  }
  for (const [fingerprint, one] of analyzed)
    if (!found.has(fingerprint)) found.set(fingerprint, { ...one, callSite: undefined })
  for (const { sql, calls, totalMs, maxMs, rows, rowsExamined } of snapshot?.statements ?? []) {
    const dialect = snapshot?.dialect ?? 'postgresql'
    const { fingerprint } = analyzeSql(sql, dialect)
    if (found.has(fingerprint)) continue
    // A server that does not tell the longest has at least the mean.
    const most = maxMs ?? totalMs / Math.max(1, calls)
    found.set(fingerprint, {
      query: sql,
      dialect,
      calls,
      totalMs,
      maxMs: most,
      rowsScanned: rowsExamined ?? -1,
      rowsReturned: rows,
      callSite: undefined,
    })
  }
  return found
}

/** Statements of one shape that were handed in, with their sums. */
export interface AnalyzedQuery {
  readonly query: string
  readonly dialect: Dialect
  calls: number
  totalMs: number
  maxMs: number
  rowsScanned: number
  rowsReturned: number
}

const MAX_SHAPES = 1_000
/** Longer SQL is not remembered. */
const MAX_TEXT = 20_000

/** Queries passed to `analyzeQuery`, by normalized query; the least recently seen are removed first. */
export class AnalyzedQueries {
  readonly #queries = new LRUCache<string, AnalyzedQuery>({ max: MAX_SHAPES })

  add(
    fingerprint: string,
    query: string,
    dialect: Dialect,
    { executionTime, rowsScanned, rowsReturned }: Measured,
  ): void {
    if (query.length > MAX_TEXT) return
    const known = this.#queries.get(fingerprint) ?? {
      query,
      dialect,
      calls: 0,
      totalMs: 0,
      maxMs: 0,
      rowsScanned: 0,
      rowsReturned: 0,
    }
    known.calls += 1
    known.totalMs += executionTime
    known.maxMs = Math.max(known.maxMs, executionTime)
    known.rowsScanned += rowsScanned
    known.rowsReturned += rowsReturned
    this.#queries.set(fingerprint, known)
  }

  get(fingerprint: string): AnalyzedQuery | undefined {
    return this.#queries.peek(fingerprint)
  }

  entries(): readonly (readonly [string, AnalyzedQuery])[] {
    return [...this.#queries.entries()]
  }
}
