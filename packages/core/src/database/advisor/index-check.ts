import type { TableId } from '../../schema/catalog-data.ts'
import type { IndexDefinition } from '../index-definition.ts'
import type { InspectionGap, TableSnapshot } from '../inspectors/database-snapshot.ts'
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

/** A sample of the tables, on which statements run with an index and without it. */
export interface IndexTrial {
  readonly unit: Measurement['unit']
  create(at: number, index: ChosenIndex): Promise<unknown>
  drop(at: number, index: ChosenIndex): Promise<unknown>
  /** `undefined` if the statement cannot be measured. */
  measure(served: ChosenIndex['serves'][number]): Promise<number | undefined>
}

/** Measures the statements that an index serves: with the index, which exists, and without it. */
export async function measureBoth(
  at: number,
  index: ChosenIndex,
  trial: IndexTrial,
): Promise<readonly Measurement[]> {
  const measureAll = async () => {
    const results = new Map<unknown, number>()
    for (const served of index.serves) {
      const result = await trial.measure(served)
      if (result !== undefined) results.set(served, result)
    }
    return results
  }
  const present = await measureAll()
  await trial.drop(at, index)
  const without = await measureAll()
  await trial.create(at, index)
  return index.serves.flatMap((served) => {
    const [a, b] = [without.get(served), present.get(served)]
    const { fingerprint } = served.statement
    return a === undefined || b === undefined ? [] : [{ fingerprint, without: a, with: b, unit: trial.unit }]
  })
}

/**
 * Measures indexes one after the other, until the time is over.
 *
 * @param gaps - Receives the tables of the others.
 */
export async function measureIndexes(
  indexes: readonly ChosenIndex[],
  measure: (at: number, index: ChosenIndex) => Promise<readonly Measurement[]>,
  onMeasured: (done: number) => void,
  limits: TimeLimits,
  gaps: InspectionGap[],
): Promise<ReadonlyMap<string, readonly Measurement[]>> {
  const measured = new Map<string, readonly Measurement[]>()
  for (const [at, index] of indexes.entries()) {
    onMeasured(at)
    const { table, label } = index.candidate
    if (limits.isOver()) gaps.push({ what: `measurements of indexes on ${table.id}`, why: limits.overText })
    else measured.set(label, await measure(at, index))
  }
  return measured
}

/** The tables of the statements that indexes serve. */
export function servedTables(indexes: readonly ChosenIndex[]): ReadonlySet<TableId> {
  const uses = indexes.flatMap(({ serves }) => serves.flatMap(({ statement }) => statement.planned.use.uses))
  return new Set(uses.map(({ table }) => table.id))
}

/** Mean of what runs return; `undefined` if one returns nothing. */
export async function meanOf<T>(
  items: readonly T[],
  run: (item: T) => Promise<number | undefined>,
): Promise<number | undefined> {
  let sum = 0
  for (const item of items) {
    const result = await run(item)
    if (result === undefined) return undefined
    sum += result
  }
  return sum / Math.max(1, items.length)
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
