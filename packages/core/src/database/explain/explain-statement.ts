import type { Connection } from '../../schema/connection.ts'
import { MAX_TIMER_MS } from '../../shared/timers.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { TableSnapshot } from '../inspectors/database-snapshot.ts'
import { explainMysql } from './explain-mysql.ts'
import { explainPostgresql } from './explain-postgresql.ts'
import { explainSqlite } from './explain-sqlite.ts'
import { explainable, NotExplainableError } from './explainable.ts'
import type { ExplainRequest, PlanSummary } from './plan-summary.ts'

export interface ExplainOptions {
  /**
   * Executes the statement and measures it. Only if it is known to read and to do nothing else.
   * @defaultValue false
   */
  readonly analyze?: boolean
  /**
   * How long the database may take, in milliseconds.
   * @defaultValue 5,000
   */
  readonly timeoutMs?: number
  /** As inspected: what plans leave to be known, they tell. */
  readonly tables?: readonly TableSnapshot[]
  /**
   * Schema of table names without a schema. Default: `public` on PostgreSQL, `main` on SQLite, the session's
   * database on MySQL.
   */
  readonly defaultSchema?: string
}

const explainers: Readonly<
  Record<Dialect, (connection: Connection, request: ExplainRequest) => Promise<PlanSummary>>
> = {
  postgresql: explainPostgresql,
  mysql: explainMysql,
  sqlite: explainSqlite,
}

/**
 * Requests the plan of a statement from the database. Nothing is written: a write is planned and never
 * executed; and because planners can call functions, everything runs in a read-only transaction that is
 * rolled back (PostgreSQL, MySQL).
 *
 * @param bindings - By position. Omit them for SQL with parameters: PostgreSQL returns a generic plan, and
 * SQLite plans without values; MySQL cannot.
 * @throws NotExplainableError if this is not safe. The database's error, if it cannot plan the statement.
 */
export async function explainStatement(
  connection: Connection,
  sql: string,
  bindings?: readonly unknown[],
  { analyze = false, timeoutMs = 5_000, tables = [], defaultSchema }: ExplainOptions = {},
): Promise<PlanSummary> {
  const statement = explainable(sql, connection.dialect)
  if (analyze && statement.notToBeRun !== undefined)
    throw new NotExplainableError(`it would be executed, and ${statement.notToBeRun}`)
  return explainers[connection.dialect](connection, {
    statement,
    bindings,
    analyze,
    // PostgreSQL accepts no more.
    timeoutMs: Math.min(timeoutMs, MAX_TIMER_MS),
    tables,
    defaultSchema,
  })
}
