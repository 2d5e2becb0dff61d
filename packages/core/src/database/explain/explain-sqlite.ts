import type { Connection } from '../../schema/connection.ts'
import { textOf } from '../../schema/readers/row-values.ts'
import { NotExplainableError } from './explainable.ts'
import { bindingCount, inlineValues, parametersOf } from './literals.ts'
import {
  type ExplainRequest,
  type PlanContext,
  type PlanStep,
  type PlanSummary,
  planContext,
} from './plan-summary.ts'

/** SQLite compiles the statement, and calls nothing of it. It measures nothing. */
export async function explainSqlite(
  connection: Connection,
  { statement, bindings, analyze, tables, defaultSchema = 'main' }: ExplainRequest,
): Promise<PlanSummary> {
  if (analyze) throw new NotExplainableError('SQLite does not measure executions: omit `analyze`')
  const { sql, tokens } = statement
  const parameters = parametersOf(sql, 'sqlite')
  const values = bindings ?? Array.from({ length: bindingCount(parameters) }, () => null)
  // Drivers differ in how they bind numbered and named parameters.
  const isPlain = parameters.every(({ token }) => token.text === '?')
  const rows = isPlain
    ? await connection.query(`EXPLAIN QUERY PLAN ${sql}`, values)
    : await connection.query(`EXPLAIN QUERY PLAN ${inlineValues(sql, 'sqlite', values)}`)
  const context = planContext('sqlite', tokens, defaultSchema, tables)
  return readSqlitePlan(
    rows.map((row) => textOf(row, 'detail')),
    context,
  )
}

const STEP =
  /^(SCAN|SEARCH) (?:TABLE )?((?:(?! (?:AS |USING |VIRTUAL |EXISTS|\(|(?:LEFT|RIGHT|FULL)-JOIN)).)+)(?: AS (\S+))?(?: USING (?:(AUTOMATIC )?(?:PARTIAL )?(COVERING )?INDEX ((?:(?! (?:EXISTS|\(|(?:LEFT|RIGHT|FULL)-JOIN)).)+)|(INTEGER PRIMARY KEY|ROWID SEARCH)(?: ON TABLE \S+)?|(PRIMARY KEY)))?(?: VIRTUAL TABLE INDEX (\S+))?(?: \((.*)\))?(?: (?:LEFT|RIGHT|FULL)-JOIN| EXISTS)*$/

/**
 * Reads a plan of SQLite. It has no costs and no rows: those of scans are the tables', where they are known.
 *
 * @param lines - The column `detail` of `EXPLAIN QUERY PLAN`.
 */
function readSqlitePlan(lines: readonly string[], context: PlanContext): PlanSummary {
  const steps: PlanStep[] = []
  let sorts = 0
  let temporaryStructures = 0
  for (const line of lines) {
    if (/^USE TEMP B-TREE FOR /.test(line)) {
      if (/ORDER BY|LAST/.test(line)) sorts++
      temporaryStructures++
    } else if (/^(?:MATERIALIZE|LIST SUBQUERY)\b|USING TEMP B-TREE/.test(line)) temporaryStructures++
    const step = stepOf(line, context)
    if (step === undefined) continue
    if (step.access === 'automatic-index') temporaryStructures++
    steps.push(step)
  }
  const scanned = steps.map((step) => scannedBy(step, context))
  const isKnown = scanned.length > 0 && scanned.every((rows) => rows !== undefined)
  return {
    ...(isKnown ? { rowsScanned: scanned.reduce<number>((sum, rows) => sum + (rows ?? 0), 0) } : {}),
    steps,
    sorts,
    temporaryStructures,
    raw: lines,
  }
}

function stepOf(line: string, context: PlanContext): PlanStep | undefined {
  const match = STEP.exec(line)
  if (match === null || /^SCAN (?:\d+ )?CONSTANT ROWS?$/.test(line)) return undefined
  const [, kind, written = '', alias, automatic, covering, index, rowid, primary, virtual, keys] = match
  const name = alias ?? written
  const table = context.tableOf(name)
  // A subquery, or what a common table expression gives.
  if (table === undefined && /^\(/.test(name)) return undefined
  const searchedBy = [...(keys ?? '').matchAll(/(?:^| AND )(?:ANY\()?([^\s=<>()]+|<expr>)\)?[=<>]/g)].map(
    ([, column = '']) => column,
  )
  const access = ((): PlanStep['access'] => {
    if (virtual !== undefined) return 'other'
    if (kind === 'SCAN')
      return index === undefined ? 'full-scan' : covering === undefined ? 'index-scan' : 'index-only-scan'
    if (automatic !== undefined) return 'automatic-index'
    if (rowid !== undefined || primary !== undefined) return 'key'
    return covering === undefined ? 'index-search' : 'index-only-scan'
  })()
  const rows =
    kind === 'SCAN' && virtual === undefined && table !== undefined ? context.rowsOf(table) : undefined
  return {
    table,
    name,
    access,
    ...(index === undefined || automatic !== undefined ? {} : { index }),
    ...(searchedBy.length === 0 ? {} : { searchedBy }),
    ...(rows === undefined ? {} : { rows }),
  }
}

function scannedBy(step: PlanStep, context: PlanContext): number | undefined {
  const isByKey = step.access === 'key' && step.searchedBy?.join() === 'rowid'
  if (
    isByKey ||
    (step.table !== undefined &&
      step.index !== undefined &&
      isWhole(step) &&
      context.isUnique(step.table, step.index))
  )
    return 1
  return step.searchedBy === undefined ? step.rows : undefined
}

/** The names do not show whether it is searched by equality only; a range over a unique key is rare. */
function isWhole({ searchedBy }: PlanStep): boolean {
  return searchedBy !== undefined
}
