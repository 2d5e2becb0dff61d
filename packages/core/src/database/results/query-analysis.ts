import type { CallSite } from '../../pipeline/call-site.ts'
import type { PlanSummary } from '../explain/plan-summary.ts'

/** How much a statement hurts. */
export type QuerySeverity = 'low' | 'medium' | 'high' | 'critical'

/** What is to be said of one statement, or of all statements of a shape. */
export interface QueryAnalysis {
  readonly query: string
  /** 16 hexadecimal digits: the same for statements that differ in values only. */
  readonly fingerprint: string
  /** Milliseconds of one execution; the mean of several. -1: not known. */
  readonly executionTime: number
  /** Rows of one execution that were read from tables and indexes, and that were returned. -1: not known. */
  readonly rowsScanned: number
  readonly rowsReturned: number
  /** Rows read for each row returned (for none, as if one had been). -1: not known. */
  readonly scanRatio: number
  readonly fullTableScan: boolean
  /** Whether `fullTableScan` is concluded from numbers and text: no plan was asked for. */
  readonly isInferred: boolean
  /** Empty where no plan was asked for. */
  readonly indexesUsed: readonly string[]
  /** What is wrong with it. */
  readonly warnings: readonly string[]
  /** What to do about it. */
  readonly recommendations: readonly string[]
  readonly severity: QuerySeverity
  /** Where it is most often called from. */
  readonly callSite?: CallSite
  /** Of a shape that was observed: executions, and their milliseconds in total and at most. */
  readonly calls?: number
  readonly totalTime?: number
  readonly maxTime?: number
  /** What the database says, where it was asked. */
  readonly plan?: PlanSummary
}
