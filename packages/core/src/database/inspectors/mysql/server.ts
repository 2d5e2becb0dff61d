import type { Connection } from '../../../schema/connection.ts'
import { optionalTextOf, textOf } from '../../../schema/readers/row-values.ts'
import type { ServerConnections, ServerStatement } from '../database-snapshot.ts'
import type { Gaps } from '../gaps.ts'
import { numberOf } from '../row-values.ts'

const SETTINGS = `
  SHOW VARIABLES WHERE Variable_name IN ('innodb_buffer_pool_size', 'innodb_page_size', 'innodb_stats_persistent', 'innodb_stats_auto_recalc',
    'max_connections', 'sql_mode', 'optimizer_switch', 'lower_case_table_names', 'version_comment', 'collation_database', 'collation_server',
    'performance_schema', 'userstat', 'use_stat_tables', 'information_schema_stats_expiry', 'max_execution_time', 'max_statement_time',
    'lock_wait_timeout', 'innodb_lock_wait_timeout', 'transaction_isolation', 'tx_isolation', 'long_query_time', 'slow_query_log',
    'ft_min_word_len', 'innodb_ft_min_token_size', 'ngram_token_size', 'tmp_table_size', 'sort_buffer_size', 'join_buffer_size')`

export async function readSettings(
  connection: Connection,
  gaps: Gaps,
): Promise<Readonly<Record<string, string>>> {
  return gaps.read('settings', 'Advice that depends on them is omitted.', {}, async () => {
    const rows = await connection.query(SETTINGS)
    return Object.fromEntries(
      rows.map((row) => [textOf(row, 'Variable_name'), optionalTextOf(row, 'Value') ?? '']),
    )
  })
}

const THREADS = `SHOW GLOBAL STATUS WHERE Variable_name IN ('Threads_connected', 'Threads_running')`

const TRANSACTIONS = `
  SELECT COALESCE(SUM(t.trx_state = 'LOCK WAIT'), 0) AS \`blocked\`, COALESCE(SUM(p.COMMAND = 'Sleep'), 0) AS \`idle\`
  FROM information_schema.INNODB_TRX t
  LEFT JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id`

export async function readConnections(
  connection: Connection,
  settings: Readonly<Record<string, string>>,
  gaps: Gaps,
): Promise<{ readonly connections?: ServerConnections }> {
  const none: { readonly connections?: ServerConnections } = {}
  return gaps.read('connections', 'Advice on pools is omitted.', none, async () => {
    const rows = await connection.query(THREADS)
    const threads = new Map(rows.map((row) => [textOf(row, 'Variable_name'), numberOf(row, 'Value') ?? 0]))
    const help =
      'Waiting sessions and sessions that are idle in a transaction are not counted: GRANT PROCESS to this user.'
    const open = await gaps.read('connections', help, { blocked: 0, idle: 0 }, async () => {
      const [row = {}] = await connection.query(TRANSACTIONS)
      return { blocked: numberOf(row, 'blocked') ?? 0, idle: numberOf(row, 'idle') ?? 0 }
    })
    const used = threads.get('Threads_connected') ?? 0
    const active = threads.get('Threads_running') ?? 0
    return {
      connections: {
        max: Number(settings.max_connections ?? 0),
        used,
        active,
        idle: Math.max(0, used - active - open.idle),
        idleInTransaction: open.idle,
        blocked: open.blocked,
      },
    }
  })
}

/**
 * All columns, because only MySQL stores a sample. Times are in picoseconds. Statements that read the catalog
 * or a plan come from tools, and are not part of the app's workload.
 */
const STATEMENTS = `
  SELECT d.* FROM performance_schema.events_statements_summary_by_digest d
  WHERE d.SCHEMA_NAME = DATABASE() AND d.DIGEST_TEXT IS NOT NULL
    AND d.DIGEST_TEXT NOT REGEXP 'information_schema|performance_schema|.mysql. [.] |^ *(EXPLAIN|ANALYZE|SHOW|SET) '
  ORDER BY d.SUM_TIMER_WAIT DESC
  LIMIT 1000`

export async function readStatements(
  connection: Connection,
  settings: Readonly<Record<string, string>>,
  gaps: Gaps,
): Promise<readonly ServerStatement[]> {
  if (settings.performance_schema !== 'ON') {
    gaps.add(
      'statements',
      'The server does not count them: set performance_schema to ON in its configuration.',
    )
    return []
  }
  return gaps.read('statements', 'GRANT SELECT ON performance_schema.* to this user.', [], async () => {
    const rows = await connection.query(STATEMENTS)
    return rows.map((row): ServerStatement => {
      const count = (column: string) => numberOf(row, column) ?? 0
      const sample =
        row.QUERY_SAMPLE_TEXT === undefined ? undefined : optionalTextOf(row, 'QUERY_SAMPLE_TEXT')
      return {
        sql: textOf(row, 'DIGEST_TEXT'),
        calls: count('COUNT_STAR'),
        totalMs: count('SUM_TIMER_WAIT') / 1e9,
        maxMs: count('MAX_TIMER_WAIT') / 1e9,
        rows: count('SUM_ROWS_SENT') + count('SUM_ROWS_AFFECTED'),
        rowsExamined: count('SUM_ROWS_EXAMINED'),
        withoutIndex: count('SUM_NO_INDEX_USED'),
        ...(sample === undefined ? {} : { sample }),
      }
    })
  })
}
