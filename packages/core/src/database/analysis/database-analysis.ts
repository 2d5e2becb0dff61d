import type { LeftStatement } from '../advisor/advice.ts'
import type { Validation } from '../advisor/what-if-planner.ts'
import type { InspectionGap } from '../inspectors/database-snapshot.ts'
import type { DatabaseFinding } from './database-finding.ts'

/** What was found out about a database. Plain data; `schemaVersion` tells its form. */
export interface DatabaseAnalysis {
  readonly schemaVersion: 1
  readonly database: {
    readonly product: string
    readonly version: string
    readonly tables: number
    /** Shapes of statements that were looked at. */
    readonly statements: number
    /** Milliseconds that they took. 0: not known. */
    readonly totalMs: number
  }
  /** Those that save most time first. */
  readonly findings: readonly DatabaseFinding[]
  /** How the advice on indexes was validated. */
  readonly validation: Validation
  /** Statements that nothing is said of, and why. */
  readonly left: readonly LeftStatement[]
  /** What could not be seen. */
  readonly gaps: readonly InspectionGap[]
  readonly tookMs: number
}
