import type { CallSite } from '../../pipeline/call-site.ts'
import type { TableId } from '../../schema/catalog-data.ts'
import type { LeftStatement, Measurement } from '../advisor/advice.ts'
import type { Validation } from '../advisor/what-if-planner.ts'
import type { SchemaChange } from '../fixes/schema-change.ts'
import type { InspectionGap } from '../inspectors/database-snapshot.ts'

/** Analysis of a database. Plain data; `schemaVersion` identifies its format. */
export interface DatabaseAnalysis {
  readonly schemaVersion: 1
  readonly database: {
    readonly product: string
    readonly version: string
    readonly tables: number
    /** Number of analyzed normalized queries. */
    readonly statements: number
    /** Milliseconds that they took. 0: not known. */
    readonly totalMs: number
  }
  /** Those that save most time first. */
  readonly findings: readonly DatabaseFinding[]
  /** How the advice on indexes was validated. */
  readonly validation: Validation
  /** Statements without a result, with the reason. */
  readonly left: readonly LeftStatement[]
  /** Information that could not be read. */
  readonly gaps: readonly InspectionGap[]
  readonly tookMs: number
  /** Time limits that applied. `left` and `gaps` contain what was skipped because of them. */
  readonly limits: { readonly statementTimeoutMs: number; readonly timeLimitMs: number }
}

export type DatabaseFindingCode =
  | 'MISSING_INDEX'
  | 'MISSING_FOREIGN_KEY_INDEX'
  | 'UNUSED_INDEX'
  | 'DUPLICATE_INDEX'
  | 'INVALID_INDEX'
  | 'SLOW_QUERY'
  | 'REWRITE'
  | 'FRAGMENTATION'
  | 'STALE_STATISTICS'
  | 'PARTITION'
  | 'CONNECTIONS'

/** A recommended change of a database or its workload. Plain data. */
export interface DatabaseFinding {
  readonly code: DatabaseFindingCode
  /** The same for the same finding at any time, on any machine: what a baseline remembers. */
  readonly key: string
  /** Short, for this report alone: `idx-1`. */
  readonly id: string
  readonly severity: 'high' | 'medium' | 'low'
  /** Subject: `city(region_id, population)`. */
  readonly title: string
  /** Reasons, the most important first. */
  readonly details: readonly string[]
  readonly table?: TableId
  /** The share of the time that the workload took which it would save, 0 to 1. `undefined`: not known. */
  readonly savedShare?: number
  /** Milliseconds of the workload, about. */
  readonly savedMs?: number
  readonly bytes?: number
  /** Additional cost of the workload's writes for the index, in the planner's unit. */
  readonly upkeep?: number
  /** How it was validated; omitted if there is nothing to validate. */
  readonly validation?: Validation
  readonly measured?: readonly Measurement[]
  readonly statements: readonly FindingStatement[]
  /** Indexes to create and drop. Empty for other changes. */
  readonly changes: readonly SchemaChange[]
  /** SQL of the changes, or other SQL to run. It is never executed automatically. */
  readonly sql?: readonly string[]
}

/** A statement that a finding is about. */
export interface FindingStatement {
  readonly fingerprint: string
  /** Without its values. */
  readonly label: string
  readonly calls: number
  readonly totalMs: number
  /** The planner's cost, without the change and with it. */
  readonly cost?: { readonly without: number; readonly with: number }
  readonly callSites: readonly (CallSite & { readonly count: number })[]
}

/** A finding before it has its place in the report. */
export type DraftFinding = Omit<DatabaseFinding, 'id' | 'key'> & {
  /** Distinguishes it from others of its code; constant over time. */
  readonly identity: string
}
