import type { Connection } from '../../schema/connection.ts'
import { optionalTextOf, textOf } from '../../schema/readers/row-values.ts'
import type { ExplainRequest } from './explain-request.ts'
import { assertReadAlike } from './explainable.ts'
import { inlineValues } from './inline-values.ts'
import { isListing } from './is-listing.ts'
import { NotExplainableError } from './not-explainable-error.ts'
import { bindingCount, parametersOf } from './parameters.ts'
import { planContext } from './plan-context.ts'
import type { PlanSummary } from './plan-summary.ts'
import { readMysqlPlan } from './read-mysql-plan.ts'
import { measuredByMysql } from './read-mysql-tree.ts'

/** The one has MariaDB, in seconds, the other MySQL, in milliseconds. */
const SETTINGS = `SHOW VARIABLES WHERE Variable_name IN ('max_statement_time', 'max_execution_time')`

/** In a read-only transaction that is rolled back: the planner reads rows of some tables, and calls functions. */
export async function explainMysql(connection: Connection, request: ExplainRequest): Promise<PlanSummary> {
  if (connection.session === undefined)
    throw new NotExplainableError('the connection has no session to put a read-only transaction around it')
  const { statement, bindings, analyze, timeoutMs } = request
  // In a read-only transaction a write cannot even be planned.
  if (statement.writes && statement.calls) throw new NotExplainableError('it writes, and calls functions that may do anything')
  const count = bindingCount(parametersOf(statement.sql, 'mysql'))
  if (count > 0 && bindings === undefined) throw new NotExplainableError('MySQL plans with values only, and they are not given')
  return connection.session(async (session) => {
    await assertReadAlike(session, statement.sql)
    if (statement.writes) await assertNoViews(session, statement.tables)
    const settings = new Map(
      (await session.query(SETTINGS)).map((row) => [textOf(row, 'Variable_name'), optionalTextOf(row, 'Value') ?? '']),
    )
    const isMariadb = settings.has('max_statement_time')
    const sql = count === 0 ? statement.sql : inlineValues(statement.sql, 'mysql', bindings ?? [])
    const [database = {}] = request.defaultSchema === undefined ? await session.query('SELECT DATABASE() AS `schema`') : []
    const schema = request.defaultSchema ?? optionalTextOf({ schema: null, ...database }, 'schema') ?? ''
    const limit = isMariadb ? 'max_statement_time' : 'max_execution_time'
    await session.query(`SET ${limit} = ${isMariadb ? timeoutMs / 1000 : Math.max(1, Math.ceil(timeoutMs))}`)
    try {
      await session.query(statement.writes ? 'START TRANSACTION' : 'START TRANSACTION READ ONLY')
      const summary = await ask(session, sql, isMariadb && analyze, schema)
      return analyze && !isMariadb ? { ...summary, ...measuredByMysql(await session.query(`EXPLAIN ANALYZE ${sql}`)) } : summary
    } finally {
      await session.query('ROLLBACK')
      await session.query(`SET ${limit} = ${settings.get(limit) ?? 'DEFAULT'}`)
    }
  })

  async function ask(session: Connection, sql: string, isMeasured: boolean, schema: string): Promise<PlanSummary> {
    const rows = await session.query(`${isMeasured ? 'ANALYZE' : 'EXPLAIN'} FORMAT=JSON ${sql}`)
    const [text] = Object.values(rows[0] ?? {})
    const answer: unknown = typeof text === 'string' ? JSON.parse(text) : text
    const summary = readMysqlPlan(answer, planContext('mysql', statement.tokens, schema, request.tables))
    if (isListing(statement.tokens)) return summary
    // What groups or limits is not told by the plan.
    const { rowsReturned: _, ...rest } = summary
    return rest
  }
}

/** @throws NotExplainableError when one of the names may be that of a view: what it calls, the planner calls, and a write is not planned as read-only. */
async function assertNoViews(session: Connection, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  const marks = names.map(() => '?').join(', ')
  const [view] = await session.query(`SELECT TABLE_NAME AS \`name\` FROM information_schema.VIEWS WHERE TABLE_NAME IN (${marks})`, names)
  if (view !== undefined) throw new NotExplainableError(`it writes, and ${textOf(view, 'name')} is a view that may call functions`)
}
