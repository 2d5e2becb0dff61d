import { type TableId, tableId } from '../../schema/catalog-data.ts'
import type { Connection } from '../../schema/connection.ts'
import { textOf } from '../../schema/readers/row-values.ts'
import { numberOf } from '../inspectors/row-values.ts'
import { assertSameReading, NotExplainableError } from './explainable.ts'
import { bindingCount, parametersOf } from './literals.ts'
import type { ExplainRequest, PlanSummary } from './plan-summary.ts'
import { readPostgresqlPlan } from './read-postgresql-plan.ts'

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
