import type { Connection } from '../../../schema/connection.ts'
import { quoteName } from '../../../sql/dialect.ts'
import { inlineValues } from '../../explain/literals.ts'
import type { DatabaseSnapshot, InspectionGap, TableSnapshot } from '../../inspectors/database-snapshot.ts'
import { sampleTable } from '../../sampling/sample-table.ts'
import type { Measurement } from '../advice.ts'
import {
  type ChosenIndex,
  type IndexCheck,
  type IndexTrial,
  meanOf,
  measureBoth,
  measureIndexes,
  type RewriteTimer,
  servedTables,
} from '../index-check.ts'
import { notMeasured, type TimeLimits } from '../limits.ts'
import { cloneSchema } from '../planners/sqlite-clone-planner.ts'
import { createSqliteIndex } from '../planners/sqlite-plan-tree.ts'
import type { PlannedStatement } from '../what-if-planner.ts'

/** Rows of a table that are copied. */
const MAX_ROWS = 40_000
const ROWS_A_STATEMENT = 200
const MAX_RUNS = 9
/** Time that one statement may take up with all its runs. */
const MAX_MS = 60
/**
 * Milliseconds per unit of the planner's cost, for estimates before a statement runs, because SQLite cannot
 * be interrupted. Measured: 0.001 for scans, 0.013 for joins without an index.
 */
const MS_PER_UNIT = 0.01

/**
 * Times statements on a copy of a part of the rows, with each index and without it.
 *
 * @param scratch - An empty database in memory.
 * @param gaps - Receives what was not measured because of the limits.
 */
export function sqliteSampleCheck(
  source: Connection,
  scratch: Connection,
  snapshot: DatabaseSnapshot,
  gaps: InspectionGap[],
  limits: TimeLimits,
): IndexCheck {
  return async (indexes, onMeasured) => {
    const long = new Set<PlannedStatement>()
    await cloneSchema(source, scratch)
    const ids = servedTables(indexes)
    for (const table of snapshot.tables)
      if (ids.has(table.id) && table.kind === 'table') await copyRows(source, scratch, table)
    const create = (at: number, { candidate: { table, definition } }: ChosenIndex) =>
      scratch.query(createSqliteIndex(`sluice_measured_${at}`, table, definition))
    for (const [at, index] of indexes.entries()) await create(at, index)
    await scratch.query('ANALYZE')
    const trial: IndexTrial = {
      unit: 'ms',
      create: async (at, index) => {
        await create(at, index)
        await scratch.query('ANALYZE')
      },
      drop: (at) => scratch.query(`DROP INDEX sluice_measured_${at}`),
      measure: async ({ statement: { planned }, without, with: present }) => {
        if (long.has(planned)) return undefined
        if (!mayBeLong(planned, Math.max(without, present), limits))
          return time(scratch, planned, limits, long)
        long.add(planned)
        return undefined
      },
    }
    const measure = async (at: number, index: ChosenIndex) => {
      const first = await measureBoth(at, index, trial)
      return first.some(isClose) && !limits.isOver()
        ? shortest(first, await measureBoth(at, index, trial))
        : first
    }
    const measured = await measureIndexes(indexes, measure, onMeasured, limits, gaps)
    if (long.size > 0) gaps.push(notMeasured(long.size, limits))
    return measured
  }
}

/**
 * Whether a machine that was busy for a moment could have decided it: also against an index that the
 * planner's costs speak for.
 */
function isClose({ without, with: present }: Measurement): boolean {
  return without < present * 3
}

function shortest(first: readonly Measurement[], second: readonly Measurement[]): Measurement[] {
  return first.map((one) => {
    const other = second.find(({ fingerprint }) => fingerprint === one.fingerprint) ?? one
    return { ...one, without: Math.min(one.without, other.without), with: Math.min(one.with, other.with) }
  })
}

/** Whether the statement may exceed its time on the sample, by its cost on the whole tables. */
function mayBeLong({ sql, use }: PlannedStatement, cost: number, limits: TimeLimits): boolean {
  // The cost of a recursion is unknown.
  if (/^\s*with\s+recursive\b/i.test(sql)) return Number.isFinite(limits.statementTimeoutMs)
  return isLong({ tables: use.uses.map(({ table }) => table), cost, limits })
}

/** Whether a cost on whole tables is expected to exceed the time for one statement on the sample. */
function isLong({
  tables,
  cost,
  limits,
}: {
  readonly tables: readonly TableSnapshot[]
  readonly cost: number
  readonly limits: TimeLimits
}): boolean {
  const share = Math.max(0, ...tables.map(({ rows }) => (rows > MAX_ROWS ? MAX_ROWS / rows : 1)))
  return cost * share * MS_PER_UNIT > Math.min(limits.statementTimeoutMs, limits.remainingMs)
}

/** The shortest of several runs, averaged over the sets of bindings. `undefined` for what cannot be run. */
async function time(
  scratch: Connection,
  planned: PlannedStatement,
  limits: TimeLimits,
  long: Set<PlannedStatement>,
): Promise<number | undefined> {
  const since = limits.now()
  const ms = await meanOf(planned.bindings, (values) =>
    shortestRun(scratch, inlineValues(planned.sql, 'sqlite', values), limits, since),
  )
  if (ms === undefined && limits.isStatementOver(since)) long.add(planned)
  return ms
}

/**
 * Milliseconds of the shortest of several runs; `undefined` if it cannot be run, or not in time.
 *
 * @param since - When the statement's time began.
 */
async function shortestRun(
  scratch: Connection,
  sql: string,
  limits: TimeLimits,
  since: number = limits.now(),
): Promise<number | undefined> {
  if (!/^\s*(select|with)\b/i.test(sql)) return undefined
  let best = Number.POSITIVE_INFINITY
  const until = performance.now() + MAX_MS
  for (let run = 0; run < MAX_RUNS && (run < 2 || performance.now() < until); run++) {
    const startedAt = performance.now()
    try {
      await scratch.query(sql)
    } catch {
      return undefined
    }
    best = Math.min(best, performance.now() - startedAt)
    if (limits.isStatementOver(since)) return undefined
  }
  return best
}

/** Rows from all over a table. */
async function copyRows(source: Connection, scratch: Connection, table: TableSnapshot): Promise<void> {
  const columns = table.columns.filter(({ isGenerated }) => isGenerated !== true).map(({ name }) => name)
  const { rows } = await sampleTable(source, table, columns, { maxRows: MAX_ROWS })
  const names = columns.map((name) => quoteName(name, 'sqlite')).join(', ')
  const tuple = `(${columns.map(() => '?').join(', ')})`
  for (let start = 0; start < rows.length; start += ROWS_A_STATEMENT) {
    const chunk = rows.slice(start, start + ROWS_A_STATEMENT)
    const sql = `INSERT OR IGNORE INTO ${quoteName(table.name, 'sqlite')} (${names}) VALUES ${chunk.map(() => tuple).join(', ')}`
    await scratch.query(sql, chunk.flat())
  }
}

/**
 * Times rewrites on a copy of a part of the rows, which contains the tables of the statements seen so far.
 *
 * @param scratch - An empty database in memory.
 */
export function sqliteRewriteTimer(
  source: Connection,
  scratch: Connection,
  snapshot: DatabaseSnapshot,
  limits: TimeLimits,
): RewriteTimer {
  const copied = new Set<TableSnapshot>()
  let isCloned = false
  return async ({ runs, tables, indexes, ddl, cost }) => {
    if (isLong({ tables, cost, limits })) return undefined
    if (!isCloned) await cloneSchema(source, scratch)
    isCloned = true
    for (const table of tables) {
      if (copied.has(table) || table.kind !== 'table') continue
      await copyRows(source, scratch, table)
      copied.add(table)
    }
    await scratch.query('SAVEPOINT sluice_rewrite')
    try {
      for (const [at, index] of indexes.entries()) {
        const table = snapshot.tables.find(({ id }) => id === index.table)
        if (table !== undefined && copied.has(table))
          await scratch.query(createSqliteIndex(`sluice_present_${at}`, table, index))
      }
      await scratch.query('ANALYZE')
      const before = await meanOf(runs, (run) => shortestRun(scratch, run.before, limits))
      for (const statement of ddl) await scratch.query(statement)
      await scratch.query('ANALYZE')
      const after = await meanOf(runs, (run) => shortestRun(scratch, run.after, limits))
      return before === undefined || after === undefined ? undefined : { before, after, unit: 'ms' }
    } finally {
      await scratch.query('ROLLBACK TO sluice_rewrite')
      await scratch.query('RELEASE sluice_rewrite')
    }
  }
}
