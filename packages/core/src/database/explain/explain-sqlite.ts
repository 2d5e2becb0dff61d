import type { Connection } from '../../schema/connection.ts'
import { textOf } from '../../schema/readers/row-values.ts'
import type { ExplainRequest } from './explain-request.ts'
import { inlineValues } from './inline-values.ts'
import { NotExplainableError } from './not-explainable-error.ts'
import { bindingCount, parametersOf } from './parameters.ts'
import { planContext } from './plan-context.ts'
import type { PlanSummary } from './plan-summary.ts'
import { readSqlitePlan } from './read-sqlite-plan.ts'

/** SQLite compiles the statement, and calls nothing of it. It measures nothing. */
export async function explainSqlite(
  connection: Connection,
  { statement, bindings, analyze, tables, defaultSchema = 'main' }: ExplainRequest,
): Promise<PlanSummary> {
  if (analyze) throw new NotExplainableError('SQLite does not measure what it runs: explain it without `analyze`')
  const { sql, tokens } = statement
  const parameters = parametersOf(sql, 'sqlite')
  const values = bindings ?? Array.from({ length: bindingCount(parameters) }, () => null)
  // Drivers bind what is numbered or named each in a way of its own.
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
