import type { IndexDefinition } from '../index-definition.ts'
import type { TableSnapshot } from '../inspectors/database-snapshot.ts'
import type { Measurement, RewriteAdvice } from './advice.ts'
import type { Candidate } from './candidates.ts'
import type { TimeLimits } from './limits.ts'
import type { WorkloadStatement } from './resolve-workload.ts'

export interface ChosenIndex {
  readonly candidate: Candidate
  /** Cost of each statement that uses it, without it and with it, while the other indexes exist. */
  readonly serves: readonly {
    readonly statement: WorkloadStatement
    readonly without: number
    readonly with: number
    /**
     * The share of the statement's current cost that the index saves next to the others, 0 to 1. If indexes
     * need each other, they share their saving.
     */
    readonly savedShare: number
  }[]
  /** The cost that it saves of the whole workload, minus its maintenance cost. */
  readonly gain: number
  /** Additional cost of writes. */
  readonly upkeep: number
  /** Measurements of the statements that it serves; empty if there are none. */
  readonly measured: readonly Measurement[]
}

/** Receives the progress of a stage: plans, indexes per statement or measurements, done and in total. */
export type OnAdviceProgress = (done: number, of: number, stage: 'plan' | 'choose' | 'measure') => void

/**
 * Runs the statements that indexes serve with them and without, on a sample. By label; an index that is not
 * in it, or with none, was not measured.
 */
export type IndexCheck = (
  indexes: readonly ChosenIndex[],
  onMeasured: (done: number) => void,
) => Promise<ReadonlyMap<string, readonly Measurement[]>>

/** Minimum slowdown of a statement without an index, for the index to stay. */
const LEAST_GAIN = { factor: 1.5, ms: 0.02, rows: 100 } as const

/** Whether a measurement justifies the index. */
export function isGain({ without, with: present, unit }: Measurement): boolean {
  return without >= present * LEAST_GAIN.factor && without - present >= LEAST_GAIN[unit]
}

export interface ChooseOptions {
  readonly check?: IndexCheck | undefined
  /** Default: none. */
  readonly limits?: TimeLimits | undefined
  readonly onProgress?: OnAdviceProgress | undefined
}

/** Statements to run before and after a rewrite, without parameters. */
export interface RewriteRuns {
  readonly runs: readonly { readonly before: string; readonly after: string }[]
  readonly tables: readonly TableSnapshot[]
  /** Indexes that exist for both. */
  readonly indexes: readonly IndexDefinition[]
  /** Indexes that the rewrite needs in addition. */
  readonly needed: readonly IndexDefinition[]
  /** Statements that the rewrite needs: they create the needed indexes, or something else. */
  readonly ddl: readonly string[]
  /** The planner's cost of the statement on the whole tables. */
  readonly cost: number
}

/** Runs a statement and its rewrite on a sample of the rows. `undefined` if they cannot be run. */
export type RewriteTimer = (runs: RewriteRuns) => Promise<RewriteAdvice['measured']>
