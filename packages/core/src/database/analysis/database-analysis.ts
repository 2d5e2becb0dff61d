import type { CallSite } from '../../pipeline/call-site.ts'
import type { TableId } from '../../schema/catalog-data.ts'
import type { LeftStatement, Measurement } from '../advisor/advice.ts'
import type { Validation } from '../advisor/what-if-planner.ts'
import type { SchemaChange } from '../fixes/schema-change.ts'
import type { InspectionGap } from '../inspectors/database-snapshot.ts'

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

/** Something to change in a database or in what is asked of it. Plain data. */
export interface DatabaseFinding {
  readonly code: DatabaseFindingCode
  /** The same for the same finding at any time, on any machine: what a baseline remembers. */
  readonly key: string
  /** Short, for this report alone: `idx-1`. */
  readonly id: string
  readonly severity: 'high' | 'medium' | 'low'
  /** What it is about: `city(region_id, population)`. */
  readonly title: string
  /** Sentences or lines that say why, the most important first. */
  readonly details: readonly string[]
  readonly table?: TableId
  /** The share of the time that the traffic took which it would save, 0 to 1. `undefined`: not known. */
  readonly savedShare?: number
  /** Milliseconds of the traffic, about. */
  readonly savedMs?: number
  readonly bytes?: number
  /** Of an index to make: what the writes of the traffic cost more for it, in the planner's unit. */
  readonly upkeep?: number
  /** How it was found out that it helps; of what needs no such proof, left out. */
  readonly validation?: Validation
  readonly measured?: readonly Measurement[]
  readonly statements: readonly FindingStatement[]
  /** What to change. Empty for what is not a change of the schema's indexes. */
  readonly changes: readonly SchemaChange[]
  /** What would make the changes, or what else is to be run. Nothing runs it by itself. */
  readonly sql?: readonly string[]
}

/** A statement that a finding is about. */
export interface FindingStatement {
  readonly fingerprint: string
  /** Without its values. */
  readonly label: string
  readonly calls: number
  readonly totalMs: number
  /** What the planner says that it costs, without the change and with it. */
  readonly cost?: { readonly without: number; readonly with: number }
  readonly callSites: readonly (CallSite & { readonly count: number })[]
}

/** A finding before it has its place in the report. */
export type DraftFinding = Omit<DatabaseFinding, 'id' | 'key'> & {
  /** What tells it from others of its code, the same at any time. */
  readonly identity: string
}
