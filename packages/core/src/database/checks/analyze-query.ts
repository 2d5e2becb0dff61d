import type { CallSite } from '../../pipeline/call-site.ts'
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
/** The share of a table's rows that nobody reads by an index. */
const WHOLE = 0.9
const SLOW_MS = 1_000
const FAR_OFFSET = 1_000
const MANY_JOINS = 5

/** What is known of one execution, or of the mean of several. */
export interface Measured {
  /** Milliseconds. -1: not known, as of all three. */
  readonly executionTime: number
  readonly rowsScanned: number
  readonly rowsReturned: number
}

/** What a plan said. */
export interface PlanFacts {
  readonly fullScans: readonly string[]
  readonly indexesUsed: readonly string[]
}

/** What is to be said of a statement, by its numbers and its text; by its plan, where there is one. */
export function analyzeQueryText(
  query: string,
  dialect: Dialect,
  measured: Measured,
  snapshot: DatabaseSnapshot | undefined,
  plan?: PlanFacts,
): QueryAnalysis {
  const { executionTime, rowsScanned, rowsReturned } = measured
  const { fingerprint, statement } = analyzeSql(query, dialect)
  const shape = queryShapeOf(query, dialect)
  const names = [...statement.reads, ...statement.writes.map(({ name }) => name)].map((parts) => parts.join('.'))
  const tables =
    snapshot === undefined ? [] : names.flatMap((name) => tableNamed(snapshot, name) ?? tableNamed(snapshot, lastPart(name)) ?? [])
  const scanRatio = rowsScanned < 0 ? -1 : rowsScanned / Math.max(1, rowsReturned)
  const fullTableScan = plan === undefined ? isFullScan(shape, measured, scanRatio, tables) : plan.fullScans.length > 0
  const facts = { shape, tables, scanRatio, fullTableScan, snapshot, measured, names }
  const warnings = warningsOf(facts, plan)
  return {
    ...{ query, fingerprint, executionTime, rowsScanned, rowsReturned, scanRatio, fullTableScan },
    isInferred: plan === undefined,
    indexesUsed: plan?.indexesUsed ?? [],
    warnings,
    recommendations: recommendationsOf(facts),
    severity: severityOf(facts),
  }
}

/** In this order: what a dialect refuses, an earlier one rarely takes for something else. */
const DIALECTS: readonly Dialect[] = ['postgresql', 'mysql', 'sqlite']

/** The first dialect in which a statement can be read. */
export function likelyDialect(sql: string): Dialect {
  return DIALECTS.find((dialect) => analyzeSql(sql, dialect).statement.opaque === undefined) ?? 'postgresql'
}

/** What is to be said of a statement by its plan. */
export function analyzePlan(query: string, dialect: Dialect, plan: PlanSummary, snapshot: DatabaseSnapshot | undefined): QueryAnalysis {
  const { steps, executionTime = -1, rowsScanned = -1, rowsReturned = -1 } = plan
  const facts = {
    fullScans: steps.filter(({ access }) => access === 'full-scan').map(({ table, name }) => table ?? name),
    indexesUsed: [...new Set(steps.flatMap(({ index }) => index ?? []))],
  }
  return { ...analyzeQueryText(query, dialect, { executionTime, rowsScanned, rowsReturned }, snapshot, facts), plan }
}

interface Facts {
  readonly shape: QueryShape
  /** Those that the catalogue has, by the statement's order. */
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

function isFullScan(shape: QueryShape, { rowsScanned }: Measured, scanRatio: number, tables: readonly TableSnapshot[]): boolean {
  if (rowsScanned <= 0 || shape.kind === 'other') return false
  // A limit ends the scan where it is reached.
  if (!shape.hasWhere) return !shape.hasLimit || shape.orderBy.length > 0 ? true : scanRatio >= WARNING_RATIO
  if (tables.some(({ rows }) => rows >= MANY_ROWS && rowsScanned >= rows * WHOLE)) return true
  return scanRatio >= WARNING_RATIO || (rowsScanned >= MANY_ROWS && scanRatio >= SCAN_RATIO)
}

function warningsOf({ scanRatio, fullTableScan, measured, names }: Facts, plan: PlanFacts | undefined): string[] {
  const { executionTime, rowsScanned, rowsReturned } = measured
  const found: string[] = []
  if (scanRatio >= WARNING_RATIO) {
    found.push(`Reads ${formatCount(rowsScanned)} rows and returns ${formatCount(rowsReturned)}: ${formatCount(scanRatio)} for each.`)
  }
  if (fullTableScan) {
    const which = plan === undefined ? '' : ` of ${plan.fullScans.join(', ')}`
    const how =
      plan === undefined
        ? `It seems to read the whole of ${names[0] ?? 'a table'} (by its numbers and its text: no plan was asked for).`
        : `Reads the whole${which}.`
    found.push(how)
  }
  if (executionTime >= SLOW_MS) found.push(`Takes ${formatCount(executionTime)} ms.`)
  return found
}

function recommendationsOf({ shape, tables, scanRatio, fullTableScan, snapshot, names }: Facts): string[] {
  const found: string[] = []
  const [table] = tables
  const shown = table !== undefined && snapshot !== undefined ? shownName(table, snapshot) : (names[0] ?? 'the table')
  const isCostly = fullTableScan || scanRatio >= SCAN_RATIO
  const keys = [...shape.equalities, ...shape.ranges.slice(0, 1)]
  if (isCostly && keys.length > 0 && !isCovered(table, shape.equalities, keys)) {
    const care = table === undefined ? ', if there is none,' : ''
    found.push(`Add an index${care} on ${shown} (${keys.join(', ')}): the query asks by ${keys.length === 1 ? 'it' : 'them'}.`)
  }
  for (const column of shape.within) {
    found.push(
      `A pattern that begins with a wildcard uses no plain index on ${column}: make a trigram index (PostgreSQL) or a fulltext index, or search by the beginning.`,
    )
  }
  for (const { name, column } of shape.calls) {
    found.push(`An index on ${column} is of no use to ${name}(${column}): make one on the expression, or compare the column itself.`)
  }
  if (isCostly && shape.hasOr && keys.length > 1)
    found.push(`Each side of OR needs an index of its own; or ask for each and join the answers with UNION.`)
  if (isCostly && shape.orderBy.length > 0 && shape.hasLimit) {
    found.push(
      `An index on ${shown} (${[...shape.equalities, ...shape.orderBy].join(', ')}) gives the rows in order, so that the limit ends the search early.`,
    )
  }
  if (shape.isOffset && (shape.offset >= FAR_OFFSET || isCostly))
    found.push('Rows before OFFSET are read and thrown away: go on from the last row of the page before (a keyset).')
  if (shape.isTotal && fullTableScan)
    found.push(
      'Counting and adding up read every row that is asked for: keep the total where rows are written, or let an index hold all that is read.',
    )
  if (shape.kind === 'select' && !shape.hasWhere && !shape.hasLimit && !shape.isTotal && fullTableScan)
    found.push('Nothing limits what is read: ask for the rows that are needed, by a condition or a limit.')
  if (shape.isStar) found.push('SELECT *: name the columns that are used; an index may then hold all of them.')
  if (shape.joins > MANY_JOINS) found.push(`${shape.joins} joins: split it, or load a part by key.`)
  return found
}

/** Whether an index finds rows by all that is asked for by value; where nothing is, by the range. */
function isCovered(table: TableSnapshot | undefined, equalities: readonly string[], keys: readonly string[]): boolean {
  const wanted = equalities.length > 0 ? equalities : keys
  return table !== undefined && coveragesOf(table).some((index) => findsBy(index, wanted))
}

function severityOf({ scanRatio, fullTableScan, measured }: Facts): QuerySeverity {
  const { executionTime, rowsScanned } = measured
  if (executionTime >= SLOW_MS * 5 || (scanRatio >= 10_000 && rowsScanned >= 1_000_000)) return 'critical'
  if (executionTime >= SLOW_MS || (fullTableScan && rowsScanned >= 100_000)) return 'high'
  return executionTime >= 100 || scanRatio >= WARNING_RATIO || (fullTableScan && rowsScanned >= MANY_ROWS) ? 'medium' : 'low'
}

/** How much a statement hurts. */
export type QuerySeverity = 'low' | 'medium' | 'high' | 'critical'

/** What is to be said of one statement, or of all statements of a shape. */
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
  /** Whether `fullTableScan` is concluded from numbers and text: no plan was asked for. */
  readonly isInferred: boolean
  /** Empty where no plan was asked for. */
  readonly indexesUsed: readonly string[]
  /** What is wrong with it. */
  readonly warnings: readonly string[]
  /** What to do about it. */
  readonly recommendations: readonly string[]
  readonly severity: QuerySeverity
  /** Where it is most often called from. */
  readonly callSite?: CallSite
  /** Of a shape that was observed: executions, and their milliseconds in total and at most. */
  readonly calls?: number
  readonly totalTime?: number
  readonly maxTime?: number
  /** What the database says, where it was asked. */
  readonly plan?: PlanSummary
}
