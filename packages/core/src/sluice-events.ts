import type { QueryAnalysis } from './database/results/query-analysis.ts'
import type { ShadowDifference } from './pipeline/shadow-difference.ts'
import type { Finding } from './query/detect/finding.ts'
import type { ScopeReport } from './sluice-scopes.ts'

export interface SluiceEvents {
  /** An N+1, a needless repeat, or a budget that was exceeded, in a scope that has ended. */
  finding: Finding
  /** A scope has ended. */
  scope: ScopeReport
  /** A statement that is new reads the whole of a table of 1,000 rows or more; with `database: { explainNew: true }`. */
  fullScan: QueryAnalysis
  /** Shadow mode found a difference. */
  shadowDifference: ShadowDifference
  /** Sluice's own code failed; the operation went on without it. */
  error: unknown
}
