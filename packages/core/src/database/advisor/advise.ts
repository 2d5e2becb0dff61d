import { type Clock, systemClock } from '../../shared/clock.ts'
import { errorMessage } from '../../shared/error-message.ts'
import { readQueryTree } from '../../sql/tree/read-sql.ts'
import { type IndexNamerOptions, indexNamer } from '../fixes/index-name.ts'
import type { IndexDefinition } from '../index-definition.ts'
import { type ColumnSnapshot, type DatabaseSnapshot, SnapshotIndex } from '../inspectors/database-snapshot.ts'
import { orToRowValues } from '../rewrites/or-to-row-values.ts'
import type { WorkloadEntry } from '../workload/workload-record.ts'
import type { Advice, IndexAdvice, LeftStatement } from './advice.ts'
import { type Candidate, type CandidateContext, candidatesOf } from './candidates.ts'
import { type Choice, chooseIndexes } from './choose-indexes.ts'
import type { ChosenIndex, IndexCheck, OnAdviceProgress, RewriteTimer } from './index-check.ts'
import { indexPages, PAGE_BYTES } from './index-pages.ts'
import { judgeRewrites } from './judge-rewrites.ts'
import { STAGES, THRESHOLDS, type Thresholds, type TimeLimits } from './limits.ts'
import { resolveStatement } from './resolve-statement.ts'
import { type ReadStatement, resolveWorkload, type WorkloadStatement } from './resolve-workload.ts'
import type { Statistics } from './statistics.ts'
import { supposedBindings } from './supposed-bindings.ts'
import { isMaterial, measuredFactor } from './table-costs.ts'
import type { StatementUse } from './table-use.ts'
import { adviceOfTrigrams, type TrigramAdvice } from './trigram-advice.ts'
import { scaled, type WhatIfPlanner } from './what-if-planner.ts'

export interface AdviseOptions extends IndexNamerOptions {
  readonly snapshot: DatabaseSnapshot
  readonly workload: readonly WorkloadEntry[]
  readonly statistics: Statistics
  readonly planner: WhatIfPlanner
  readonly thresholds?: Thresholds
  /** Measures what was chosen on a sample of the rows. */
  readonly check?: IndexCheck
  /** Tries indexes of trigrams, where the database has them. */
  readonly trigrams?: (statements: readonly ReadStatement[]) => Promise<readonly TrigramAdvice[]>
  /** Runs rewrites on a sample of the rows. */
  readonly rewriteTimer?: RewriteTimer
  readonly onProgress?: OnAdviceProgress
  readonly clock?: Clock
  /** Default: none. */
  readonly limits?: TimeLimits
}

/**
 * Finds the indexes that a workload lacks: plans each statement as the database is, and with indexes that
 * could be, and chooses those that save most over all statements, writes included.
 *
 * @throws Nothing for a statement that cannot be read or planned: it is listed.
 */
export async function advise(options: AdviseOptions): Promise<Advice> {
  const { snapshot, planner, statistics, thresholds = THRESHOLDS, clock = systemClock } = options
  const startedAt = clock.now()
  const { statements, writes, left: unread } = resolveWorkload(options.workload, snapshot)
  const context: CandidateContext = { snapshot, statistics, popularity: popularityOf(statements) }
  const wholeMs = options.workload.reduce((sum, { totalMs }) => sum + totalMs, 0)
  const planned = new Planning(context, planner, thresholds, wholeMs, [...unread])
  const { limits } = options
  for (const [at, statement] of statements.entries()) {
    if (limits?.isOver(STAGES.plan) === true) planned.skip(statement, limits.overText)
    else await planned.add(statement, at)
    options.onProgress?.(at + 1, statements.length, 'plan')
  }
  const choice = await chooseIndexes(planned.workload, writes, planner, thresholds, {
    check: options.check,
    limits,
    onProgress: options.onProgress,
  })
  for (const statement of choice.skipped) planned.skipPlanned(statement, limits?.overText ?? '')
  for (const [statement, why] of choice.cutShort)
    planned.skipPlanned(statement, `${why} Not all indexes for it were tried.`)
  const nameOf = indexNamer(snapshot, options)
  const whole = choice.statements.reduce((sum, { statement, before }) => sum + before * statement.calls, 0)
  const trigrams = limits?.isOver() === true ? [] : ((await options.trigrams?.(statements)) ?? [])
  const left = new Map(
    choice.statements.map(({ statement, before, after }) => [
      statement.fingerprint,
      before > 0 ? Math.min(1, after / before) : 1,
    ]),
  )
  const shareOf = ({ entry: { fingerprint } }: ReadStatement) => {
    const uses = trigrams.flatMap((found) => found.statements)
    const own = uses.filter(({ statement }) => statement.entry.fingerprint === fingerprint)
    return (left.get(fingerprint) ?? 1) / Math.max(1, own.length)
  }
  const searched = trigrams
    .map((found) => adviceOfTrigrams(found, nameOf(found.definition), writes, { whole, shareOf, thresholds }))
    .filter(paysForWrites)
  // A trigram index also serves searches by a prefix.
  const isReplaced = ({ candidate: { definition } }: ChosenIndex) => {
    const [key] = definition.keys
    return (
      definition.keys.length === 1 &&
      key?.operatorClass !== undefined &&
      searched.some((index) => isOn(index.definition, definition.table, key.column))
    )
  }
  const chosen = choice.indexes
    .filter((index) => !isReplaced(index))
    .map((index) =>
      indexAdvice(index, nameOf(index.candidate.definition), planned.read, { planner, statistics, whole }),
    )
  const indexes = withinWhole([...chosen, ...searched])
  const rewrites = await judgeRewrites(statements, {
    snapshot,
    statistics,
    planner,
    thresholds,
    wholeMs,
    limits,
    chosen: choice.indexes.map(({ candidate }) => candidate),
    hasTrigrams: options.trigrams !== undefined,
    timer: options.rewriteTimer,
  })
  return {
    rewrites,
    indexes: indexes.sort((a, b) => (b.savedMs ?? 0) - (a.savedMs ?? 0) || b.savedShare - a.savedShare),
    statements: statementAdvice(choice, planned.read),
    left: planned.left,
    validation: planner.validation,
    gaps: snapshot.gaps,
    planned: choice.planned,
    tookMs: clock.now() - startedAt,
  }
}

function isOn({ table, keys }: IndexDefinition, of: string, column: string): boolean {
  return table === of && keys[0]?.column === column
}

/** Costs on a sample and those of the planner can add up to more than the workload. */
function withinWhole(indexes: readonly IndexAdvice[]): IndexAdvice[] {
  const sum = indexes.reduce((all, { savedShare }) => all + savedShare, 0)
  return indexes.map((index) => (sum > 1 ? { ...index, savedShare: index.savedShare / sum } : index))
}

function paysForWrites({ savedShare, writeShare }: IndexAdvice): boolean {
  return savedShare > writeShare
}

class Planning {
  readonly workload: WorkloadStatement[] = []
  readonly read = new Map<WorkloadStatement, ReadStatement>()

  constructor(
    private readonly context: CandidateContext,
    private readonly planner: WhatIfPlanner,
    private readonly thresholds: Thresholds,
    /** Milliseconds of the workload. */
    private readonly wholeMs: number,
    readonly left: LeftStatement[],
  ) {}

  skip({ entry, label }: ReadStatement, why: string): void {
    this.left.push({ fingerprint: entry.fingerprint, label, why, kind: 'time-limit' })
  }

  skipPlanned(statement: WorkloadStatement, why: string): void {
    const read = this.read.get(statement)
    if (read !== undefined) this.skip(read, why)
  }

  async add(statement: ReadStatement, id: number): Promise<void> {
    const { entry, label } = statement
    const { sql, use, samples } = rowFormOf(statement, this.context.snapshot)
    const leave = (kind: LeftStatement['kind'], why: string) =>
      this.left.push({ fingerprint: entry.fingerprint, label, why, kind })
    const bindings = supposedBindings(use, samples, this.context.statistics)
    if (bindings === undefined)
      return void leave(
        'unbound',
        'Its parameter values are unknown, and cannot be derived from the statistics.',
      )
    const planned = { id, sql, bindings, use }
    try {
      const answer = await this.planner.answer(planned, [])
      const isRelevant = isMaterial(entry, this.wholeMs)
      const factor = isRelevant ? measuredFactor(entry, answer.cost) : 1
      if (!isRelevant && answer.cost < this.thresholds.minCost)
        return void leave('cheap', 'Its cost is already negligible.')
      const baseline = scaled(answer, factor)
      const candidates = candidatesOf(use, this.context, samples, entry.calls)
      const calls = Math.max(1, entry.calls)
      const considered = {
        planned,
        fingerprint: entry.fingerprint,
        calls,
        totalMs: entry.totalMs,
        candidates,
        baseline,
        factor,
      }
      this.workload.push(considered)
      this.read.set(considered, statement)
    } catch (error) {
      leave('refused', `The database does not plan it: ${errorMessage(error)}`)
    }
  }
}

/** How many statements look a column up by a value. */
function popularityOf(statements: readonly ReadStatement[]): Map<string, number> {
  const popularity = new Map<string, number>()
  for (const { use } of statements) {
    const columns = new Set(
      use.uses.flatMap(({ table, conditions }) =>
        conditions
          .filter(({ operator, negated }) => !negated && (operator === '=' || operator === 'in'))
          .map(({ column }) => `${table.id}.${column}`),
      ),
    )
    for (const column of columns) popularity.set(column, (popularity.get(column) ?? 0) + 1)
  }
  return popularity
}

function indexAdvice(
  { candidate, serves, gain, upkeep, measured }: ChosenIndex,
  name: string,
  read: ReadonlyMap<WorkloadStatement, ReadStatement>,
  {
    planner,
    statistics,
    whole,
  }: { readonly planner: WhatIfPlanner; readonly statistics: Statistics; readonly whole: number },
): IndexAdvice {
  const served = serves.flatMap(({ statement, without, with: present }) => {
    const found = read.get(statement)
    if (found === undefined) return []
    const { fingerprint, calls, totalMs, callSites } = found.entry
    return [{ fingerprint, label: found.label, calls, totalMs, without, with: present, callSites }]
  })
  const savedMs = serves.reduce((sum, { statement, savedShare }) => sum + statement.totalMs * savedShare, 0)
  const statisticsOf = ({ name: column }: ColumnSnapshot) => statistics.column(candidate.table, column)
  const bytes = indexPages(candidate.definition, candidate.table, candidate.share, statisticsOf) * PAGE_BYTES
  return {
    definition: candidate.definition,
    name,
    reason: reasonFor(candidate, serves, read),
    serves: served.sort(
      (a, b) => b.totalMs - a.totalMs || (b.without - b.with) * b.calls - (a.without - a.with) * a.calls,
    ),
    ...(savedMs > 0 ? { savedMs } : {}),
    savedShare: whole > 0 ? Math.min(1, Math.max(0, gain) / whole) : 0,
    upkeep,
    writeShare: whole > 0 ? upkeep / whole : 0,
    bytes,
    validation:
      measured.length > 0 && planner.validation === 'none'
        ? 'sample'
        : isGuessed(candidate, planner)
          ? 'none'
          : planner.validation,
    ...(measured.length > 0 ? { measured } : {}),
  }
}

/** PostgreSQL's planner guesses where it has no statistics. */
function isGuessed({ table }: Candidate, { validation }: WhatIfPlanner): boolean {
  return (
    (validation === 'hypopg' || validation === 'scratch') &&
    table.columns.every((column) => column.statistics === undefined)
  )
}

function statementAdvice(
  { statements }: Choice,
  read: ReadonlyMap<WorkloadStatement, ReadStatement>,
): Advice['statements'] {
  return statements
    .map(({ statement, before, after }) => ({
      fingerprint: statement.fingerprint,
      label: read.get(statement)?.label ?? '',
      calls: statement.calls,
      totalMs: statement.totalMs,
      before,
      after,
    }))
    .sort((a, b) => b.totalMs - a.totalMs || b.before * b.calls - a.before * a.calls)
}

/** Purpose of an index: `searched by region_id, ordered by name`. */
function reasonFor(
  { definition, carried }: Candidate,
  serves: ChosenIndex['serves'],
  read: ReadonlyMap<WorkloadStatement, ReadStatement>,
): string {
  const uses = serves.map(({ statement }) => statement.planned.use)
  const isRewritten = serves.some(({ statement }) => statement.planned.sql !== read.get(statement)?.entry.sql)
  const tables = uses
    .flatMap((use) => use.uses)
    .filter(({ table }) => table.id === definition.table || table.parent === definition.table)
  const searched: string[] = []
  const ranged: string[] = []
  const ordered: string[] = []
  const held: string[] = []
  const keys = definition.keys.map(({ column }) => column)
  for (const [at, column] of keys.entries()) {
    const conditions = tables
      .flatMap((use) => [use, ...use.alternatives.flat()])
      .flatMap((arm) => arm.conditions.filter((condition) => condition.column === column))
    const isJoined = tables.some(({ joins }) => joins.some((join) => join.column === column))
    const isEqual =
      isJoined ||
      conditions.some(
        ({ operator, negated }) =>
          !negated && (operator === '=' || operator === 'in' || operator === 'is null'),
      )
    const isOrdered = tables.some(
      ({ order, group }) => order.some((term) => term.column === column) || group.includes(column),
    )
    if (carried > 0 && at >= keys.length - carried) held.push(column)
    else if (isEqual) searched.push(column)
    else if (conditions.length > 0) ranged.push(column)
    else if (isOrdered) ordered.push(column)
    else held.push(column)
  }
  const parts = [
    searched.length > 0 ? `searched by ${searched.join(', ')}` : '',
    ranged.length > 0 ? `a range of ${ranged.join(', ')}` : '',
    ordered.length > 0 ? `ordered by ${ordered.join(', ')}` : '',
    held.length > 0 ? `${held.join(', ')} read from the index alone` : '',
    definition.where === undefined ? '' : `only rows where ${definition.where}`,
    isRewritten ? 'with the comparison of rows that is proposed as a rewrite' : '',
  ]
  return parts.filter((part) => part !== '').join('; ')
}

interface RowForm {
  readonly sql: string
  readonly use: StatementUse
  /** Observed sets of its values. */
  readonly samples: ReadStatement['entry']['samples']
}

/**
 * A statement in the form for which indexes are chosen. A page by `a < ? OR (a = ? AND b < ?)` is planned as
 * `(a, b) < (?, ?)`, which is proposed as a rewrite, because the first form hides its index from PostgreSQL
 * and SQLite.
 */
function rowFormOf(
  { entry, use }: Pick<ReadStatement, 'entry' | 'use'>,
  snapshot: DatabaseSnapshot,
): RowForm {
  const isKeyset = use.uses.some(({ rowComparisons }) => rowComparisons.some((one) => one.isAlternatives))
  if (!isKeyset || snapshot.dialect === 'mysql') return { sql: entry.sql, samples: entry.samples, use }
  const [bindings] = entry.samples
  const [rewrite, another] = orToRowValues({
    tree: readQueryTree(entry.sql, snapshot.dialect),
    index: SnapshotIndex.of(snapshot),
    bindings,
  })
  const isProven = rewrite?.isEquivalent === true || bindings !== undefined
  if (rewrite === undefined || another !== undefined || !isProven)
    return { sql: entry.sql, samples: entry.samples, use }
  const { after: sql, bound } = rewrite
  const samples =
    bound === undefined ? entry.samples : entry.samples.map((values) => bound.map((place) => values[place]))
  return { sql, samples, use: resolveStatement(readQueryTree(sql, snapshot.dialect), snapshot) }
}
