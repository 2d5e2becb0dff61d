import type { CallSite } from '../../pipeline/call-site.ts'
import type { IndexDefinition } from '../index-definition.ts'
import type { InspectionGap } from '../inspectors/database-snapshot.ts'
import type { Rewrite } from '../rewrites/rewrite.ts'
import type { Validation } from './what-if-planner.ts'

/** Result of the advisor. Plain data. */
export interface Advice {
  /** Indexes to make, the one that saves most time first. */
  readonly indexes: readonly IndexAdvice[]
  /** Every statement that was planned, most expensive first. */
  readonly statements: readonly StatementAdvice[]
  /** Rewrites that are faster, those of the longest statements first. */
  readonly rewrites: readonly RewriteAdvice[]
  /** Statements without a result, with the reason. */
  readonly left: readonly LeftStatement[]
  readonly validation: Validation
  readonly gaps: readonly InspectionGap[]
  /** Number of planner calls, and total milliseconds. */
  readonly planned: number
  readonly tookMs: number
}

export interface IndexAdvice {
  readonly definition: IndexDefinition
  /** A name that is free, in the convention of the ORM's migrations. */
  readonly name: string
  /** Purpose of the index, in one sentence. */
  readonly reason: string
  readonly serves: readonly ServedStatement[]
  /** Milliseconds of the workload that it would have saved, about. `undefined`: the workload has no times. */
  readonly savedMs?: number
  /** The share of the workload's cost that it saves, 0 to 1. */
  readonly savedShare: number
  /** Additional cost of writes, in the planner's unit. */
  readonly upkeep: number
  /** Additional cost of writes, as a share of the workload's cost. */
  readonly writeShare: number
  /** Bytes, about. */
  readonly bytes?: number
  readonly validation: Validation
  /** Measurements with and without it, if statements ran on a sample. */
  readonly measured?: readonly Measurement[]
}

export interface Measurement {
  readonly fingerprint: string
  /** Milliseconds on the sample; of MySQL rows read. */
  readonly without: number
  readonly with: number
  readonly unit: 'ms' | 'rows'
}

export interface ServedStatement {
  readonly fingerprint: string
  /** The statement without its values. */
  readonly label: string
  readonly calls: number
  readonly totalMs: number
  /** The planner's cost without this index and with it; the other recommended indexes exist in both cases. */
  readonly without: number
  readonly with: number
  readonly callSites: readonly (CallSite & { readonly count: number })[]
}

export interface StatementAdvice {
  readonly fingerprint: string
  readonly label: string
  readonly calls: number
  readonly totalMs: number
  /** The planner's current cost, and the cost with all recommended indexes. */
  readonly before: number
  readonly after: number
}

/** A rewrite of a statement that won the comparison with it. */
export interface RewriteAdvice {
  readonly fingerprint: string
  readonly rewrite: Rewrite
  /**
   * The planner's cost with all recommended indexes. `undefined`: no planner knows the index that it needs.
   */
  readonly cost?: { readonly before: number; readonly after: number }
  /** Milliseconds or read rows on a sample, if both ran on one. */
  readonly measured?: { readonly before: number; readonly after: number; readonly unit: 'ms' | 'rows' }
}

export interface LeftStatement {
  readonly fingerprint: string
  readonly label: string
  readonly why: string
  /** `time-limit`: skipped, or not all indexes for it were tried. */
  readonly kind: 'unreadable' | 'unknown-table' | 'unbound' | 'refused' | 'cheap' | 'time-limit' | 'other'
}
