import type { Connection } from '../../../schema/connection.ts'
import { errorMessage } from '../../../shared/error-message.ts'
import { readThrown } from '../../../shared/thrown.ts'
import { analyzeSql } from '../../../sql/analyze.ts'
import { quoteName } from '../../../sql/dialect.ts'
import { inlineValues } from '../../explain/literals.ts'
import { type IndexDefinition, indexBodySql } from '../../index-definition.ts'
import type { DatabaseSnapshot, InspectionGap, TableSnapshot } from '../../inspectors/database-snapshot.ts'
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
import type { PlannedStatement } from '../what-if-planner.ts'

/** Rows of a table that are copied. */
const MAX_ROWS = 20_000
const ROWS_PER_MS = 1_000

/**
 * Counts the rows that statements read with each index and without it, on temporary tables that contain a
 * sample and hide the real tables from this session. Other sessions do not see them, and they disappear with
 * the session. Statements on other tables are not measured.
 *
 * @param session - A separate session.
 * @param gaps - Receives what could not be measured, and why.
 */
export function mysqlSampleCheck(
  session: Connection,
  snapshot: DatabaseSnapshot,
  gaps: InspectionGap[],
  limits: TimeLimits,
): IndexCheck {
  return async (indexes, onMeasured) => {
    const long = new Set<PlannedStatement>()
    const ids = servedTables(indexes)
    const copied = new Set<TableSnapshot>()
    try {
      for (const table of snapshot.tables) {
        if (!ids.has(table.id) || table.schema !== snapshot.defaultSchema) continue
        const what = `measurements of indexes on ${table.id}`
        if (!canCopy(table, snapshot, limits)) {
          gaps.push({ what, why: limits.overText })
          continue
        }
        try {
          await copyRows(session, table)
          copied.add(table)
        } catch (error) {
          const help = 'GRANT CREATE TEMPORARY TABLES lets this user try them on a sample.'
          gaps.push({ what, why: `${messageOf(error)} ${help}` })
        }
      }
      // An index must never be created on a table that is not hidden.
      const tried = indexes.filter(({ candidate }) => copied.has(candidate.table))
      const isCopied = readsOnly(copied)
      const trial: IndexTrial = {
        unit: 'rows',
        create: (at, { candidate }) => addIndex(session, candidate.table, candidate.definition, nameOf(at)),
        drop: (at, { candidate }) =>
          session.query(`ALTER TABLE ${quoteName(candidate.table.name, 'mysql')} DROP INDEX ${nameOf(at)}`),
        measure: async ({ statement: { planned } }) =>
          isCopied(planned.sql) && !long.has(planned) ? rowsReadBy(session, planned, long) : undefined,
      }
      for (const [at, index] of tried.entries()) await trial.create(at, index)
      const measure = (at: number, index: ChosenIndex) => measureBoth(at, index, trial)
      const measured = await measureIndexes(tried, measure, onMeasured, limits, gaps)
      if (long.size > 0) gaps.push(notMeasured(long.size, limits))
      return measured
    } finally {
      for (const { name } of copied)
        await session.query(`DROP TEMPORARY TABLE IF EXISTS ${quoteName(name, 'mysql')}`)
    }
  }
}

/** Finds statements that only read these tables: a view reads the real ones, even if they are hidden. */
function readsOnly(tables: Iterable<TableSnapshot>): (sql: string) => boolean {
  const names = new Set(Array.from(tables, ({ name }) => name.toLowerCase()))
  return (sql) =>
    analyzeSql(sql, 'mysql').statement.reads.every((name) => names.has(name.at(-1)?.toLowerCase() ?? ''))
}

/** Whether a sample can be copied in time: MySQL has no timeout for the copy, which reads the whole table. */
function canCopy(
  { schema, rows }: TableSnapshot,
  { defaultSchema }: DatabaseSnapshot,
  { remainingMs }: TimeLimits,
): boolean {
  return schema === defaultSchema && rows <= remainingMs * ROWS_PER_MS
}

function nameOf(at: number): string {
  return `sluice_measured_${at}`
}

/**
 * A temporary table under another name takes the rows, and then the name: until then the name is the real
 * one's.
 */
async function copyRows(session: Connection, table: TableSnapshot): Promise<void> {
  const name = quoteName(table.name, 'mysql')
  const draft = quoteName(`sluice_${table.name}`.slice(0, 64), 'mysql')
  const columns = table.columns
    .filter(({ isGenerated }) => isGenerated !== true)
    .map((column) => quoteName(column.name, 'mysql'))
  const share = table.rows > MAX_ROWS ? MAX_ROWS / table.rows : 1
  await session.query(`CREATE TEMPORARY TABLE ${draft} LIKE ${name}`)
  try {
    const filter = share < 1 ? `WHERE RAND(1) < ${share}` : ''
    await session.query(
      `INSERT INTO ${draft} (${columns.join(', ')}) SELECT ${columns.join(', ')} FROM ${name} ${filter}`,
    )
    await session.query(`ALTER TABLE ${draft} RENAME TO ${name}`)
  } catch (error) {
    await session.query(`DROP TEMPORARY TABLE IF EXISTS ${draft}`)
    throw error
  }
}

function messageOf(error: unknown): string {
  const text = errorMessage(error)
  return /[.!?]$/.test(text) ? text : `${text}.`
}

async function addIndex(
  session: Connection,
  { name: table }: TableSnapshot,
  index: IndexDefinition,
  name: string,
): Promise<void> {
  const quoted = quoteName(table, 'mysql')
  await session.query(`ALTER TABLE ${quoted} ADD INDEX ${name} ${indexBodySql(index, 'mysql')}`)
  await session.query(`ANALYZE TABLE ${quoted}`)
}

/** Error numbers of MySQL and MariaDB. */
const TIMEOUTS = new Set([3024, 1969])

/** `undefined` for what cannot be run: MySQL opens a temporary table once a statement. */
async function rowsReadBy(
  session: Connection,
  planned: PlannedStatement,
  long: Set<PlannedStatement>,
): Promise<number | undefined> {
  const { sql, bindings } = planned
  if (!/^\s*(select|with)\b/i.test(sql)) return undefined
  try {
    return await meanOf(bindings, (values) => readsOf(session, inlineValues(sql, 'mysql', values)))
  } catch (error) {
    if (TIMEOUTS.has(Number(readThrown(error, 'errno')))) long.add(planned)
    return undefined
  }
}

async function readsOf(session: Connection, sql: string): Promise<number> {
  const before = await handlerReads(session)
  await session.query(sql)
  return (await handlerReads(session)) - before
}

/** Rows that the session has read or sorted so far. */
async function handlerReads(session: Connection): Promise<number> {
  const rows = await session.query(
    "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler\\_read%' OR Variable_name = 'Sort_rows'",
  )
  return rows.reduce((sum, row) => sum + Number(row.Value ?? row.value), 0)
}

/**
 * Counts the rows that statements and their rewrites read, on temporary tables that contain a sample and hide
 * the real tables from this session until `close`.
 *
 * @param session - A separate session.
 */
export function mysqlRewriteTimer(
  session: Connection,
  snapshot: DatabaseSnapshot,
  limits: TimeLimits,
): { readonly timer: RewriteTimer; close(): Promise<void> } {
  const copied = new Map<TableSnapshot, boolean>()
  const copy = async (table: TableSnapshot): Promise<boolean> => {
    const known = copied.get(table)
    if (known !== undefined) return known
    let isCopied = false
    if (canCopy(table, snapshot, limits)) {
      try {
        await copyRows(session, table)
        isCopied = true
      } catch {
        // Without the right to create temporary tables, rewrites are only planned.
      }
    }
    copied.set(table, isCopied)
    return isCopied
  }
  const timer: RewriteTimer = async ({ runs, tables, indexes, needed, ddl }) => {
    // FULLTEXT needs a real table.
    if (ddl.length > needed.length) return undefined
    for (const table of tables) if (!(await copy(table))) return undefined
    const isHidden = readsOnly(tables)
    if (!runs.every(({ before, after }) => isHidden(before) && isHidden(after))) return undefined
    const created: (readonly [table: string, name: string])[] = []
    const add = async (index: IndexDefinition) => {
      const table = tables.find(({ id }) => id === index.table)
      if (table === undefined) return
      const name = `sluice_rewrite_${created.length}`
      await addIndex(session, table, index, name)
      created.push([quoteName(table.name, 'mysql'), name])
    }
    try {
      for (const index of indexes) await add(index)
      const before = await meanOf(runs, (run) => readsOf(session, run.before))
      for (const index of needed) await add(index)
      const after = await meanOf(runs, (run) => readsOf(session, run.after))
      return before === undefined || after === undefined ? undefined : { before, after, unit: 'rows' }
    } catch {
      // MySQL opens a temporary table only once per statement.
      return undefined
    } finally {
      for (const [table, name] of created) await session.query(`ALTER TABLE ${table} DROP INDEX ${name}`)
    }
  }
  const close = async () => {
    for (const [{ name }, isCopied] of copied)
      if (isCopied) await session.query(`DROP TEMPORARY TABLE IF EXISTS ${quoteName(name, 'mysql')}`)
  }
  return { timer, close }
}
