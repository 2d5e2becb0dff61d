import type { TableId } from '../../schema/catalog-data.ts'
import type { Connection } from '../../schema/connection.ts'
import { optionalTextOf, type Row, textOf } from '../../schema/readers/row-values.ts'
import type { Token } from '../../sql/tokenize.ts'
import { assertSameReading, NotExplainableError } from './explainable.ts'
import { bindingCount, inlineValues, parametersOf } from './literals.ts'
import {
  type ExplainRequest,
  type PlanContext,
  type PlanStep,
  type PlanSummary,
  planContext,
} from './plan-summary.ts'

/** The one has MariaDB, in seconds, the other MySQL, in milliseconds. */
const SETTINGS = `SHOW VARIABLES WHERE Variable_name IN ('max_statement_time', 'max_execution_time')`

/**
 * In a read-only transaction that is rolled back: the planner reads rows of some tables, and calls functions.
 */
export async function explainMysql(connection: Connection, request: ExplainRequest): Promise<PlanSummary> {
  if (connection.session === undefined)
    throw new NotExplainableError('the connection has no session for a read-only transaction')
  const { statement, bindings, analyze, timeoutMs } = request
  // In a read-only transaction a write cannot even be planned.
  if (statement.writes && statement.calls)
    throw new NotExplainableError('it writes, and calls functions with unknown effects')
  const count = bindingCount(parametersOf(statement.sql, 'mysql'))
  if (count > 0 && bindings === undefined)
    throw new NotExplainableError('MySQL requires parameter values to plan a statement', true)
  return connection.session(async (session) => {
    await assertSameReading(session, statement.sql)
    if (statement.writes) await assertNoViews(session, statement.tables)
    const settings = new Map(
      (await session.query(SETTINGS)).map((row) => [
        textOf(row, 'Variable_name'),
        optionalTextOf(row, 'Value') ?? '',
      ]),
    )
    const isMariadb = settings.has('max_statement_time')
    const sql = count === 0 ? statement.sql : inlineValues(statement.sql, 'mysql', bindings ?? [])
    const [database = {}] =
      request.defaultSchema === undefined ? await session.query('SELECT DATABASE() AS `schema`') : []
    const schema = request.defaultSchema ?? optionalTextOf({ schema: null, ...database }, 'schema') ?? ''
    const limit = isMariadb ? 'max_statement_time' : 'max_execution_time'
    await session.query(`SET ${limit} = ${isMariadb ? timeoutMs / 1000 : Math.max(1, Math.ceil(timeoutMs))}`)
    try {
      await session.query(statement.writes ? 'START TRANSACTION' : 'START TRANSACTION READ ONLY')
      const summary = await requestPlan(session, sql, isMariadb && analyze, schema)
      return analyze && !isMariadb
        ? { ...summary, ...measuredByMysql(await session.query(`EXPLAIN ANALYZE ${sql}`)) }
        : summary
    } finally {
      await session.query('ROLLBACK')
      await session.query(`SET ${limit} = ${settings.get(limit) ?? 'DEFAULT'}`)
    }
  })

  async function requestPlan(
    session: Connection,
    sql: string,
    isMeasured: boolean,
    schema: string,
  ): Promise<PlanSummary> {
    const rows = await session.query(`${isMeasured ? 'ANALYZE' : 'EXPLAIN'} FORMAT=JSON ${sql}`)
    const [text] = Object.values(rows[0] ?? {})
    const answer: unknown = typeof text === 'string' ? JSON.parse(text) : text
    const summary = readMysqlPlan(answer, planContext('mysql', statement.tokens, schema, request.tables))
    if (isListing(statement.tokens)) return summary
    // The plan does not contain grouping and limits.
    const { rowsReturned: _, ...rest } = summary
    return rest
  }
}

/**
 * @throws NotExplainableError when one of the names may be that of a view: what it calls, the planner calls,
 *   and a write is not planned as read-only.
 */
async function assertNoViews(session: Connection, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  const marks = names.map(() => '?').join(', ')
  const [view] = await session.query(
    `SELECT TABLE_NAME AS \`name\` FROM information_schema.VIEWS WHERE TABLE_NAME IN (${marks})`,
    names,
  )
  if (view !== undefined)
    throw new NotExplainableError(`it writes, and ${textOf(view, 'name')} is a view that can call functions`)
}

type Json = Readonly<Record<string, unknown>>

const ACCESS: Readonly<Record<string, PlanStep['access']>> = {
  all: 'full-scan',
  index: 'index-scan',
  range: 'index-search',
  ref: 'index-search',
  ref_or_null: 'index-search',
  fulltext: 'index-search',
  index_subquery: 'index-search',
  eq_ref: 'key',
  const: 'key',
  system: 'key',
  unique_subquery: 'key',
  index_merge: 'bitmap',
  hash: 'automatic-index',
  hash_all: 'full-scan',
  hash_index: 'index-scan',
  hash_range: 'index-search',
}

/** Reads a plan of MySQL or MariaDB: they use the same names, with different nesting. */
export function readMysqlPlan(answer: unknown, context: PlanContext): PlanSummary {
  const reader = new PlanReader(context)
  reader.read(answer, 1)
  const block = ((answer as Json).query_block ?? {}) as Json
  const cost = numberOf(block.cost) ?? numberOf(((block.cost_info ?? {}) as Json).query_cost)
  const time = numberOf(block.r_total_time_ms)
  return {
    ...(cost === undefined ? {} : { cost }),
    ...(reader.steps.length === 0 ? {} : { rowsScanned: Math.round(reader.scanned) }),
    ...(reader.passed === undefined ? {} : { rowsReturned: Math.round(reader.passed) }),
    ...(time === undefined ? {} : { executionTime: time }),
    steps: reader.steps,
    sorts: reader.sorts,
    temporaryStructures: reader.temporaryStructures,
    raw: answer,
  }
}

class PlanReader {
  readonly steps: PlanStep[] = []
  scanned = 0
  sorts = 0
  temporaryStructures = 0
  /** Rows that pass the last table of the outermost block. */
  passed: number | undefined
  #depth = 0

  constructor(private readonly context: PlanContext) {}

  /**
   * @param before - Rows that come from the tables before it.
   * @returns Rows that come from those in it, too.
   */
  read(node: unknown, before: number): number {
    if (Array.isArray(node)) return node.reduce((rows: number, item) => this.read(item, rows), before)
    if (typeof node !== 'object' || node === null) return before
    let rows = before
    for (const [key, value] of Object.entries(node)) {
      if (key === 'filesort' || (key === 'using_filesort' && value === true)) this.sorts++
      if (key === 'temporary_table' || key === 'materialized' || key === 'materialized_from_subquery')
        this.temporaryStructures++
      if (key === 'using_temporary_table' && value === true) this.temporaryStructures++
      if (key === 'table' && isTable(value)) rows = this.#table(value, rows)
      else if (isApart(key)) this.#apart(value)
      else rows = this.read(value, rows)
    }
    return rows
  }

  #apart(value: unknown): void {
    this.#depth++
    this.read(value, 1)
    this.#depth--
  }

  #table(table: Json, before: number): number {
    const measured = numberOf(table.r_rows)
    const each = measured ?? numberOf(table.rows_examined_per_scan) ?? numberOf(table.rows) ?? 0
    const loops = numberOf(table.r_loops) ?? numberOf(table.loops) ?? before
    const share = (numberOf(table.r_filtered) ?? numberOf(table.filtered) ?? 100) / 100
    const name = String(table.table_name)
    const id = /^</.test(name) ? undefined : this.context.tableOf(name)
    if (id !== undefined) this.#step(table, id, name, each, loops)
    for (const [key, value] of Object.entries(table))
      if (typeof value === 'object' && value !== null && key !== 'index_merge') this.read({ [key]: value }, 1)
    const rows = numberOf(table.rows_produced_per_join) ?? each * loops * share
    if (this.#depth === 0) this.passed = rows
    return Math.max(rows, 1)
  }

  #step(table: Json, id: TableId, name: string, rows: number, loops: number): void {
    const index = typeof table.key === 'string' ? table.key : undefined
    const type = String(table.access_type ?? '').toLowerCase()
    const known = ACCESS[type] ?? 'other'
    const isCovered = table.using_index === true && known !== 'key'
    const parts = Array.isArray(table.used_key_parts) ? table.used_key_parts.map(String) : []
    const isSearch = known !== 'index-scan' && known !== 'full-scan'
    this.scanned += rows * loops
    this.steps.push({
      table: id,
      name,
      access: isCovered && known !== 'bitmap' ? 'index-only-scan' : known,
      ...(index === undefined ? {} : { index }),
      ...(parts.length === 0 || !isSearch ? {} : { searchedBy: parts }),
      rows,
      loops,
      ...(typeof table.attached_condition === 'string' ? { filter: table.attached_condition } : {}),
    })
  }
}

/** Blocks whose rows are none of the outer one's. */
function isApart(key: string): boolean {
  return /subquer|materialized|union_result|query_specifications|expression_cache/.test(key)
}

function isTable(value: unknown): value is Json {
  return typeof (value as Json | null | undefined)?.table_name === 'string'
}

function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

const ACTUAL =
  /\(actual time=\d+(?:\.\d+)?(?:e[+-]?\d+)?\.\.(\d[\d.e+-]*) rows=(\d[\d.e+-]*) loops=(\d[\d.e+-]*)\)/
const READS =
  /-> (?:Covering |Single-row )?(?:Table scan|Index (?:scan|lookup|range scan)|Row lookup|Rows fetched|Constant row|Index merge|Full-text)/i

/** MySQL's measurements: a tree of lines, each with the time until its last row, and its rows per loop. */
export function measuredByMysql(
  rows: readonly Row[],
): Pick<PlanSummary, 'executionTime' | 'rowsReturned' | 'rowsScanned'> {
  const [text] = Object.values(rows[0] ?? {})
  const lines = String(text ?? '').split('\n')
  const [, time, returned, loops] = ACTUAL.exec(lines.find((line) => ACTUAL.test(line)) ?? '') ?? []
  let scanned = 0
  for (const line of lines.filter((each) => READS.test(each))) {
    const [, , each = 0, times = 0] = ACTUAL.exec(line) ?? []
    scanned += Number(each) * Number(times)
  }
  if (time === undefined) return {}
  return {
    executionTime: Number(time),
    rowsReturned: Math.round(Number(returned) * Number(loops)),
    rowsScanned: Math.round(scanned),
  }
}

const CHANGING = new Set(
  'GROUP DISTINCT LIMIT FETCH UNION INTERSECT EXCEPT HAVING SQL_CALC_FOUND_ROWS'.split(' '),
)
const AGGREGATES =
  /^(COUNT|SUM|MIN|MAX|AVG|GROUP_CONCAT|JSON_(ARRAY|OBJECT)AGG|BIT_(AND|OR|XOR)|STD(DEV)?|VARIANCE|ANY_VALUE)$/

/** Whether a statement returns all rows of its tables: it does not group, limit or combine rows. */
function isListing(tokens: readonly Token[]): boolean {
  return tokens.every((token, at) => {
    if (token.kind !== 'word') return true
    return !CHANGING.has(token.upper) && !(AGGREGATES.test(token.upper) && tokens[at + 1]?.text === '(')
  })
}
