import type { PlanStep } from '@sluice/core'
import type { Place, Severity } from './common.ts'

/** Statements of one shape. */
export interface StatementRow {
  readonly fingerprint: string
  readonly dialect: 'postgresql' | 'mysql' | 'sqlite'
  /** Without values. */
  readonly sql: string
  readonly kind: 'read' | 'write' | 'other'
  readonly calls: number
  readonly errors: number | null
  /** Milliseconds. */
  readonly totalMs: number
  readonly avgMs: number
  readonly maxMs: number
  /** About: by a histogram. `null` where the monitor is off. */
  readonly p95Ms: number | null
  /** Of the time of all statements, 0 to 1. */
  readonly share: number
  /** Returned, over all calls. */
  readonly rows: number
  readonly callSites: readonly (Place & { readonly count: number })[]
  readonly firstSeenAt: number
  readonly lastSeenAt: number
  /** Whether `explain` may be asked for it. */
  readonly isExplainable: boolean
}

/** What to change in the database, with what makes the change. */
export interface DatabaseAdvice {
  readonly key: string
  readonly code: string
  readonly severity: Severity
  readonly title: string
  readonly details: readonly string[]
  readonly table: string | null
  /** To copy: nothing runs it by itself. */
  readonly sql: readonly string[]
  readonly savedMs: number | null
  readonly savedShare: number | null
  /** How it was found out that it helps; `null`: it was not. */
  readonly validation: string | null
  /** Fingerprints of the statements that it is about. */
  readonly statements: readonly string[]
}

/** `GET api/queries`: which SQL costs most? `null` in its place: the database engine is off. */
export interface QueriesPage {
  /** Those that took most time first; 200 at most. */
  readonly statements: readonly StatementRow[]
  readonly shapes: number
  readonly calls: number
  readonly totalMs: number
  /** What is in no row, because there were too many shapes. */
  readonly others: { readonly calls: number; readonly totalMs: number }
  /** A database that can be asked is attached. */
  readonly isAttached: boolean
  /** When the database was last read; `null`: never. */
  readonly inspectedAt: number | null
  readonly tables: number | null
  /** Of what was last read and analysed. */
  readonly advice: readonly DatabaseAdvice[]
  /** When it was analysed; before that there is less advice. `null`: never. */
  readonly analyzedAt: number | null
  readonly pools: readonly string[]
}

/** What `explain` gives. */
export interface ExplainResult {
  readonly fingerprint: string
  readonly sql: string
  readonly steps: readonly PlanStep[]
  readonly cost: number | null
  readonly rowsScanned: number | null
  readonly fullTableScan: boolean
  readonly indexesUsed: readonly string[]
  readonly sorts: number
  readonly temporaryStructures: number
  readonly warnings: readonly string[]
  readonly recommendations: readonly string[]
  /** As the database gave it, for other programs that show plans. `null`: it may hold values, and values are not shown. */
  readonly raw: string | null
  readonly tookMs: number
}
