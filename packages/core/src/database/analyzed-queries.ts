import { LRUCache } from 'lru-cache'
import type { Dialect } from '../sql/dialect.ts'
import type { Measured } from './checks/analyze-query.ts'

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
/** Of longer texts nothing is remembered. */
const MAX_TEXT = 20_000

/** What was handed to `analyzeQuery`, by shape; the longest unseen leave first. */
export class AnalyzedQueries {
  readonly #queries = new LRUCache<string, AnalyzedQuery>({ max: MAX_SHAPES })

  add(fingerprint: string, query: string, dialect: Dialect, { executionTime, rowsScanned, rowsReturned }: Measured): void {
    if (query.length > MAX_TEXT) return
    const known = this.#queries.get(fingerprint) ?? { query, dialect, calls: 0, totalMs: 0, maxMs: 0, rowsScanned: 0, rowsReturned: 0 }
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
