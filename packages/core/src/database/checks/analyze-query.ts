import type { CallSite } from '../../pipeline/call-site.ts'
import { MAX_JOINS, SLOW_QUERY_MS } from '../../shared/thresholds.ts'
import { analyzeSql } from '../../sql/analyze.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { coveragesOf, findsBy } from '../advisor/index-coverage.ts'
import type { PlanSummary } from '../explain/plan-summary.ts'
import type { DatabaseSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { formatCount, shownName, tableNamed } from '../names.ts'
import { type QueryShape, queryShapeOf } from './query-shape.ts'

/** Rows read for each one returned, from which it is said aloud. */
const WARNING_RATIO = 100
/** From which, of enough rows, no index can have been of use. */
const SCAN_RATIO = 10
const MANY_ROWS = 1_000
/** The share of a table's rows above which an index is not used. */
const WHOLE = 0.9
const FAR_OFFSET = 1_000

/** Measurements of one execution, or the mean of several. */
export interface Measured {
  /** Milliseconds. -1: not known, as of all three. */
  readonly executionTime: number
  readonly rowsScanned: number
  readonly rowsReturned: number
}

/** Facts from a plan. */
export interface PlannedAccess {
  readonly fullScans: readonly string[]
  readonly indexesUsed: readonly string[]
}

/** Analysis of a statement from its measurements and its SQL, and its plan, if there is one. */
export function analyzeQueryText(
  query: string,
  dialect: Dialect,
  measured: Measured,
  snapshot: DatabaseSnapshot | undefined,
  plan?: PlannedAccess,
): QueryAnalysis {
  const { executionTime, rowsScanned, rowsReturned } = measured
  const { fingerprint, statement } = analyzeSql(query, dialect)
  const shape = queryShapeOf(query, dialect)
  const names = [...statement.reads, ...statement.writes.map(({ name }) => name)].map((parts) =>
    parts.join('.'),
  )
  const tables =
    snapshot === undefined
      ? []
      : names.flatMap((name) => tableNamed(snapshot, name) ?? tableNamed(snapshot, lastPart(name)) ?? [])
  const scanRatio = rowsScanned < 0 ? -1 : rowsScanned / Math.max(1, rowsReturned)
  const fullTableScan =
    plan === undefined ? isFullScan(shape, measured, scanRatio, tables) : plan.fullScans.length > 0
  const facts = { shape, tables, scanRatio, fullTableScan, snapshot, measured, names }
  const warnings = warningsOf(facts, plan)
  return {
    query,
    fingerprint,
    executionTime,
    rowsScanned,
    rowsReturned,
    scanRatio,
    fullTableScan,
    isInferred: plan === undefined,
    indexesUsed: plan?.indexesUsed ?? [],
    warnings,
    recommendations: recommendationsOf(facts),
    severity: severityOf(facts),
  }
}

/** Analysis of a statement from its plan. */
export function analyzePlan(
  query: string,
  dialect: Dialect,
  plan: PlanSummary,
  snapshot: DatabaseSnapshot | undefined,
): QueryAnalysis {
  const { steps, executionTime = -1, rowsScanned = -1, rowsReturned = -1 } = plan
  const facts = {
    fullScans: steps.filter(({ access }) => access === 'full-scan').map(({ table, name }) => table ?? name),
    indexesUsed: [...new Set(steps.flatMap(({ index }) => index ?? []))],
  }
  return {
    ...analyzeQueryText(query, dialect, { executionTime, rowsScanned, rowsReturned }, snapshot, facts),
    plan,
  }
}

interface Facts {
  readonly shape: QueryShape
  /** Its tables in the catalog, in the order of the statement. */
  readonly tables: readonly TableSnapshot[]
  readonly names: readonly string[]
  readonly scanRatio: number
  readonly fullTableScan: boolean
  readonly snapshot: DatabaseSnapshot | undefined
  readonly measured: Measured
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

function isFullScan(
  shape: QueryShape,
  { rowsScanned }: Measured,
  scanRatio: number,
  tables: readonly TableSnapshot[],
): boolean {
  if (rowsScanned <= 0 || shape.kind === 'other') return false
  // A limit ends the scan where it is reached.
  if (!shape.hasWhere) return !shape.hasLimit || shape.orderBy.length > 0 ? true : scanRatio >= WARNING_RATIO
  if (tables.some(({ rows }) => rows >= MANY_ROWS && rowsScanned >= rows * WHOLE)) return true
  return scanRatio >= WARNING_RATIO || (rowsScanned >= MANY_ROWS && scanRatio >= SCAN_RATIO)
}

function warningsOf(
  { scanRatio, fullTableScan, measured, names }: Facts,
  plan: PlannedAccess | undefined,
): string[] {
  const { executionTime, rowsScanned, rowsReturned } = measured
  const found: string[] = []
  if (scanRatio >= WARNING_RATIO) {
    found.push(
      `Reads ${formatCount(rowsScanned)} rows and returns ${formatCount(rowsReturned)}: ${formatCount(scanRatio)} for each.`,
    )
  }
  if (fullTableScan) {
    const which = plan === undefined ? '' : ` of ${plan.fullScans.join(', ')}`
    const how =
      plan === undefined
        ? `Probably reads the whole of ${names[0] ?? 'a table'} (inferred from statistics and SQL, without a plan).`
        : `Reads the whole${which}.`
    found.push(how)
  }
  if (executionTime >= SLOW_QUERY_MS) found.push(`Takes ${formatCount(executionTime)} ms.`)
  return found
}

function recommendationsOf({ shape, tables, scanRatio, fullTableScan, snapshot, names }: Facts): string[] {
  const found: string[] = []
  const [table] = tables
  const shown =
    table !== undefined && snapshot !== undefined ? shownName(table, snapshot) : (names[0] ?? 'the table')
  const isCostly = fullTableScan || scanRatio >= SCAN_RATIO
  const keys = [...shape.equalities, ...shape.ranges.slice(0, 1)]
  if (isCostly && keys.length > 0 && !isCovered(table, shape.equalities, keys)) {
    const care = table === undefined ? ', if there is none,' : ''
    found.push(
      `Add an index${care} on ${shown} (${keys.join(', ')}): the query filters by ${keys.length === 1 ? 'this column' : 'these columns'}.`,
    )
  }
  for (const column of shape.within) {
    found.push(
      `A pattern that begins with a wildcard cannot use a plain index on ${column}: create a trigram index (PostgreSQL) or a full-text index, or search by a prefix.`,
    )
  }
  for (const { name, column } of shape.calls) {
    found.push(
      `An index on ${column} does not serve ${name}(${column}): create one on the expression, or compare the column itself.`,
    )
  }
  if (isCostly && shape.hasOr && keys.length > 1)
    found.push(
      `Each side of OR needs a separate index; or query each side separately and combine the results with UNION.`,
    )
  if (isCostly && shape.orderBy.length > 0 && shape.hasLimit) {
    found.push(
      `An index on ${shown} (${[...shape.equalities, ...shape.orderBy].join(', ')}) returns the rows in order, so that the limit ends the search early.`,
    )
  }
  if (shape.isOffset && (shape.offset >= FAR_OFFSET || isCostly))
    found.push(
      'Rows before OFFSET are read and discarded: continue after the last row of the previous page (keyset pagination).',
    )
  if (shape.isTotal && fullTableScan)
    found.push(
      'Counts and sums read every matching row: maintain the total when rows are written, or use an index that contains all columns of the query.',
    )
  if (shape.kind === 'select' && !shape.hasWhere && !shape.hasLimit && !shape.isTotal && fullTableScan)
    found.push('The query has neither a condition nor a limit: restrict it to the rows that you need.')
  if (shape.isStar)
    found.push('SELECT *: list the columns that you use; an index can then contain all of them.')
  if (shape.joins > MAX_JOINS) found.push(`${shape.joins} joins: split the query, or load a part by key.`)
  return found
}

/** Whether an index finds rows by all columns that are compared with values; without any, by the range. */
function isCovered(
  table: TableSnapshot | undefined,
  equalities: readonly string[],
  keys: readonly string[],
): boolean {
  const required = equalities.length > 0 ? equalities : keys
  return table !== undefined && coveragesOf(table).some((index) => findsBy(index, required))
}

function severityOf({ scanRatio, fullTableScan, measured }: Facts): QuerySeverity {
  const { executionTime, rowsScanned } = measured
  if (executionTime >= SLOW_QUERY_MS * 5 || (scanRatio >= 10_000 && rowsScanned >= 1_000_000))
    return 'critical'
  if (executionTime >= SLOW_QUERY_MS || (fullTableScan && rowsScanned >= 100_000)) return 'high'
  return executionTime >= 100 || scanRatio >= WARNING_RATIO || (fullTableScan && rowsScanned >= MANY_ROWS)
    ? 'medium'
    : 'low'
}

/** How much a statement hurts. */
export type QuerySeverity = 'low' | 'medium' | 'high' | 'critical'

/** Analysis of one statement, or of all statements with one normalized query. */
export interface QueryAnalysis {
  readonly query: string
  /** 16 hexadecimal digits: the same for statements that differ in values only. */
  readonly fingerprint: string
  /** Milliseconds of one execution; the mean of several. -1: not known. */
  readonly executionTime: number
  /** Rows of one execution that were read from tables and indexes, and that were returned. -1: not known. */
  readonly rowsScanned: number
  readonly rowsReturned: number
  /** Rows read for each row returned (for none, as if one had been). -1: not known. */
  readonly scanRatio: number
  readonly fullTableScan: boolean
  /** Whether `fullTableScan` is inferred from measurements and SQL, without a plan. */
  readonly isInferred: boolean
  /** Empty without a plan. */
  readonly indexesUsed: readonly string[]
  /** Problems. */
  readonly warnings: readonly string[]
  /** Recommendations. */
  readonly recommendations: readonly string[]
  readonly severity: QuerySeverity
  /** Its most frequent call site. */
  readonly callSite?: CallSite
  /** For an observed normalized query: number of executions, and their total and maximum milliseconds. */
  readonly calls?: number
  readonly totalTime?: number
  readonly maxTime?: number
  /** The database's plan, if it was requested. */
  readonly plan?: PlanSummary
}
