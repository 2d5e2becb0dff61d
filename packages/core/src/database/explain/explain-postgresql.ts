import { type TableId, tableId } from '../../schema/catalog-data.ts'
import type { Connection } from '../../schema/connection.ts'
import { textOf } from '../../schema/readers/row-values.ts'
import { SqlSyntaxError } from '../../sql/syntax-error.ts'
import { tokenize } from '../../sql/tokenize.ts'
import { numberOf } from '../inspectors/row-values.ts'
import { assertSameReading, NotExplainableError } from './explainable.ts'
import { bindingCount, parametersOf } from './literals.ts'
import type { ExplainRequest, PlanStep, PlanSummary } from './plan-summary.ts'

/** Name of a prepared statement in an exclusive session. */
const PREPARED = 'sluice_explained'

/**
 * In a read-only transaction that is rolled back: the planner calls functions that are declared stable or
 * immutable, and those may lie.
 */
export async function explainPostgresql(
  connection: Connection,
  request: ExplainRequest,
): Promise<PlanSummary> {
  if (connection.session === undefined)
    throw new NotExplainableError('the connection has no session for a read-only transaction')
  return connection.session(async (session) => {
    const { sql } = request.statement
    await assertSameReading(session, sql)
    let isPrepared = false
    await session.query('BEGIN READ ONLY')
    try {
      await session.query(`SET LOCAL statement_timeout = ${Math.max(1, Math.ceil(request.timeoutMs))}`)
      const answer = await requestPlan()
      return readPostgresqlPlan(answer, await rowsOfTables(session, request, answer))
    } finally {
      await session.query('ROLLBACK')
      if (isPrepared) await session.query(`DEALLOCATE ${PREPARED}`)
    }

    async function requestPlan(): Promise<unknown> {
      const count = bindingCount(parametersOf(sql, 'postgresql'))
      if (request.analyze && count > 0 && request.bindings === undefined)
        throw new NotExplainableError('it would be executed, but its parameter values are missing', true)
      const analyze = request.analyze ? ', ANALYZE' : ''
      if (count === 0 || request.bindings !== undefined)
        return planIn(
          await session.query(
            `EXPLAIN (FORMAT JSON, VERBOSE${analyze}) ${sql}`,
            request.bindings?.slice(0, count),
          ),
        )
      const [row = {}] = await session.query(
        `SELECT pg_catalog.current_setting('server_version_num')::int AS "version"`,
      )
      if ((numberOf(row, 'version') ?? 0) >= 160_000)
        return planIn(await session.query(`EXPLAIN (FORMAT JSON, VERBOSE, GENERIC_PLAN) ${sql}`))
      await session.query('SET LOCAL plan_cache_mode = force_generic_plan')
      await session.query(`PREPARE ${PREPARED} AS ${sql}`)
      isPrepared = true
      const nulls = Array.from({ length: count }, () => 'NULL').join(', ')
      return planIn(await session.query(`EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE ${PREPARED} (${nulls})`))
    }
  })
}

/** Drivers give JSON parsed, or as text. */
function planIn(rows: readonly Readonly<Record<string, unknown>>[]): unknown {
  const plan = rows[0]?.['QUERY PLAN']
  return typeof plan === 'string' ? JSON.parse(plan) : plan
}

const ROWS = `
  SELECT n.nspname::text AS "schema", c.relname::text AS "table",
    CASE WHEN c.relpages > 0 THEN c.reltuples / c.relpages * (pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::float8) END AS "rows"
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND c.reltuples >= 0
    AND (n.nspname::text, c.relname::text) IN (SELECT x ->> 0, x ->> 1 FROM pg_catalog.jsonb_array_elements($1::text::jsonb) AS x)`

/** From the inspection, or queried from the server for tables with a full scan. */
async function rowsOfTables(
  session: Connection,
  { tables, analyze }: ExplainRequest,
  answer: unknown,
): Promise<(id: TableId) => number | undefined> {
  const rows = new Map(tables.filter((table) => table.rows >= 0).map((table) => [table.id, table.rows]))
  const scanned = [...scannedIn(answer)].filter(
    ([schema, table]) => !rows.has(tableId('postgresql', schema, table, 'public')),
  )
  if (scanned.length === 0 || analyze) return (id) => rows.get(id)
  for (const row of await session.query(ROWS, [JSON.stringify(scanned)])) {
    const found = numberOf(row, 'rows')
    if (found !== undefined)
      rows.set(tableId('postgresql', textOf(row, 'schema'), textOf(row, 'table'), 'public'), found)
  }
  return (id) => rows.get(id)
}

function* scannedIn(node: unknown): Generator<readonly [string, string]> {
  if (typeof node !== 'object' || node === null) return
  const {
    'Node Type': type,
    Schema: schema,
    'Relation Name': table,
  } = node as Readonly<Record<string, unknown>>
  if (type === 'Seq Scan' && typeof schema === 'string' && typeof table === 'string') yield [schema, table]
  for (const value of Object.values(node)) yield* scannedIn(value)
}

/** A node of `EXPLAIN (FORMAT JSON)`, as far as it is read. */
interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly Schema?: string
  readonly Alias?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly 'TID Cond'?: string
  readonly Filter?: string
  readonly Strategy?: string
  readonly Operation?: string
  readonly 'Plan Rows'?: number
  readonly 'Total Cost'?: number
  readonly 'Actual Rows'?: number
  readonly 'Actual Loops'?: number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly 'Parent Relationship'?: string
  readonly Plans?: readonly PlanNode[]
}

const SCANS: Readonly<Record<string, PlanStep['access']>> = {
  'Seq Scan': 'full-scan',
  'Sample Scan': 'full-scan',
  'Index Scan': 'index-scan',
  'Index Only Scan': 'index-only-scan',
  'Bitmap Heap Scan': 'bitmap',
  'Tid Scan': 'key',
  'Tid Range Scan': 'key',
  'Foreign Scan': 'other',
}

/** Nodes that read all of their input before they return a row: a LIMIT above them saves nothing below. */
const BLOCKING = new Set(['Sort', 'Aggregate', 'Hash', 'SetOp', 'WindowAgg', 'Materialize'])
const KEEPING = new Set(['Hash', 'Materialize', 'Memoize', 'SetOp', 'Recursive Union', 'Table Function Scan'])

/**
 * Reads a plan of PostgreSQL.
 *
 * @param answer - Parsed result of `EXPLAIN (FORMAT JSON, VERBOSE)`.
 * @param rowsOf - Number of rows of a table, if it is known: a plan only contains the rows that pass its
 * filter.
 */
function readPostgresqlPlan(
  answer: unknown,
  rowsOf: (table: TableId) => number | undefined = () => undefined,
): PlanSummary {
  const [top] = answer as readonly { readonly Plan: PlanNode; readonly 'Execution Time'?: number }[]
  if (top === undefined) return { steps: [], sorts: 0, temporaryStructures: 0, raw: answer }
  const reader = new PlanReader(rowsOf)
  reader.read(top.Plan, 1, 1)
  const { Plan: root } = top
  return {
    ...(root['Total Cost'] === undefined ? {} : { cost: root['Total Cost'] }),
    rowsScanned: Math.round(reader.scanned),
    rowsReturned: Math.round(rowsOfNode(root)),
    ...(top['Execution Time'] === undefined ? {} : { executionTime: top['Execution Time'] }),
    steps: reader.steps,
    sorts: reader.sorts,
    temporaryStructures: reader.temporaryStructures,
    raw: answer,
  }
}

function rowsOfNode(node: PlanNode): number {
  return node['Actual Rows'] ?? node['Plan Rows'] ?? 0
}

class PlanReader {
  readonly steps: PlanStep[] = []
  scanned = 0
  sorts = 0
  temporaryStructures = 0

  constructor(private readonly rowsOf: (table: TableId) => number | undefined) {}

  /**
   * @param loops - Estimated number of executions of the node.
   * @param share - Share of its rows that a LIMIT above needs.
   */
  read(node: PlanNode, loops: number, share: number): void {
    const type = node['Node Type']
    if (type === 'Sort' || type === 'Incremental Sort') this.sorts++
    const isHashed = type === 'Aggregate' && node.Strategy !== 'Plain' && node.Strategy !== 'Sorted'
    if (KEEPING.has(type) || isHashed || node['Parent Relationship'] === 'InitPlan')
      this.temporaryStructures++
    const access = SCANS[type]
    if (access !== undefined) this.#scan(node, access, loops, share)
    const children = node.Plans ?? []
    const [outer] = children
    for (const child of children) {
      // The inputs of a bitmap were read with it.
      if (access === 'bitmap') continue
      const isInner = child['Parent Relationship'] === 'Inner' && type === 'Nested Loop'
      const outerRows = Math.max(1, (outer === undefined ? 1 : (outer['Plan Rows'] ?? 1)) * share)
      this.read(child, isInner ? loops * outerRows : loops, shareOf(node, child, isInner ? 1 : share))
    }
  }

  #scan(node: PlanNode, access: PlanStep['access'], loops: number, share: number): void {
    const name = node['Relation Name']
    const table = name === undefined ? undefined : tableId('postgresql', node.Schema, name, 'public')
    const parts = access === 'bitmap' ? bitmapParts(node) : [node]
    const condition =
      access === 'full-scan'
        ? undefined
        : (parts.map((part) => part['Index Cond']).find((text) => text !== undefined) ?? node['TID Cond'])
    const alias = node.Alias ?? name ?? ''
    const runs = node['Actual Loops'] ?? loops
    const yielded = rowsOfNode(node)
    const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)
    const isMeasured = node['Actual Rows'] !== undefined
    const all = access === 'full-scan' && table !== undefined && !isMeasured ? this.rowsOf(table) : undefined
    this.scanned += Math.max(all ?? 0, yielded + removed) * runs * (isMeasured ? 1 : share)
    const searchedBy = condition === undefined ? [] : columnsIn(condition, alias)
    const index = parts.map((part) => part['Index Name']).find((text) => text !== undefined)
    this.steps.push({
      table,
      name: alias,
      access: access === 'index-scan' && condition !== undefined ? 'index-search' : access,
      ...(index === undefined ? {} : { index }),
      ...(searchedBy.length === 0 ? {} : { searchedBy }),
      rows: yielded,
      loops: runs,
      ...(node.Filter === undefined ? {} : { filter: node.Filter }),
    })
  }
}

/** A LIMIT takes the first of its input; what gives rows as it goes passes that on. */
function shareOf(node: PlanNode, child: PlanNode, share: number): number {
  const type = node['Node Type']
  if (type === 'Limit') return Math.min(1, (node['Plan Rows'] ?? 1) / Math.max(1, child['Plan Rows'] ?? 1))
  const isInner = child['Parent Relationship'] === 'Inner' && type !== 'Nested Loop'
  return BLOCKING.has(type) || isInner ? 1 : share
}

function bitmapParts(node: PlanNode): PlanNode[] {
  return (node.Plans ?? []).flatMap((child) =>
    child['Node Type'] === 'Bitmap Index Scan' ? [child] : bitmapParts(child),
  )
}

/** The columns of `alias` that a condition names. */
function columnsIn(condition: string, alias: string): string[] {
  try {
    const tokens = tokenize(condition, 'postgresql')
    const isOwn = (at: number) => tokens[at - 1]?.text !== '.' || tokens[at - 2]?.text === alias
    const names = tokens.filter(
      ({ kind }, at) =>
        (kind === 'word' || kind === 'quoted') &&
        tokens[at - 1]?.text === '.' &&
        isOwn(at) &&
        tokens[at + 1]?.text !== '(',
    )
    // A bitmap's condition names no table.
    const bare = tokens.filter(
      ({ kind }, at) =>
        (kind === 'word' || kind === 'quoted') && /^[=<>~!@&|]|^\)|^::/.test(tokens[at + 1]?.text ?? ''),
    )
    return [...new Set((names.length > 0 ? names : bare).map(({ text }) => text))]
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    return []
  }
}
