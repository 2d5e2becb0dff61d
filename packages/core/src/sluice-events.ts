import type { ShadowDifference } from './pipeline/shadow-difference.ts'
import type { Finding } from './query/detect/finding.ts'
import type { ScopeReport } from './sluice-scopes.ts'

export interface SluiceEvents {
  /** An N+1, a needless repeat, or a budget that was exceeded, in a scope that has ended. */
  finding: Finding
  /** A scope has ended. */
  scope: ScopeReport
  /** Shadow mode found a difference. */
  shadowDifference: ShadowDifference
  /** Sluice's own code failed; the operation went on without it. */
  error: unknown
}
