import type { PlanStep } from '@sluice/core/database'
import type { Place, Severity } from './common.ts'

/** Statistics of a normalized query. */
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
  /** An estimate by histogram; `null` if the monitor is disabled. */
  readonly p95Ms: number | null
  /** Share of the total time of all statements, 0 to 1. */
  readonly share: number
  /** Returned rows of all calls. */
  readonly rows: number
  readonly callSites: readonly (Place & { readonly count: number })[]
  readonly firstSeenAt: number
  readonly lastSeenAt: number
  /** Whether the action `explain` accepts it. */
  readonly isExplainable: boolean
}

/** A recommended change to the database, with its SQL. */
export interface DatabaseAdvice {
  readonly key: string
  readonly code: string
  readonly severity: Severity
  readonly title: string
  readonly details: readonly string[]
  readonly table: string | null
  /** SQL to copy. The dashboard does not execute it. */
  readonly sql: readonly string[]
  readonly savedMs: number | null
  readonly savedShare: number | null
  /** How the benefit was verified, as a sentence; `null` if it was not. */
  readonly validation: string | null
  /** Fingerprints of the affected statements. */
  readonly statements: readonly string[]
}

/** `GET api/queries`; `null` if the database engine is disabled. */
export interface QueriesPage {
  /** Ordered by total time, at most 200. */
  readonly statements: readonly StatementRow[]
  readonly shapes: number
  readonly calls: number
  readonly totalMs: number
  /** Calls that are in no row, because there are too many normalized queries. */
  readonly others: { readonly calls: number; readonly totalMs: number }
  /** Whether a database client is attached. */
  readonly isAttached: boolean
  /** Time of the last inspection; `null` if there was none. */
  readonly inspectedAt: number | null
  readonly tables: number | null
  /** Advice of the last inspection and analysis. */
  readonly advice: readonly DatabaseAdvice[]
  /** Time of the last analysis, which adds more advice; `null` if there was none. */
  readonly analyzedAt: number | null
  readonly pools: readonly string[]
}

/** Result of the action `explain`. */
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
  /**
   * The plan as returned by the database, for other programs; `null` if it may contain values that must not
   * be shown.
   */
  readonly raw: string | null
  readonly tookMs: number
}
