import type { Connection } from '../../../schema/connection.ts'
import { flagOf, optionalTextOf, type Row, textOf } from '../../../schema/readers/row-values.ts'
import type { DatabaseSnapshot, ServerConnections, ServerStatement } from '../database-snapshot.ts'
import type { Gaps } from '../gaps.ts'
import { numberOf } from '../row-values.ts'

/** Reads only changed planner methods (`enable_…`), because each version has different methods. */
const SETTINGS = `
  SELECT name::text AS "name", pg_catalog.current_setting(name)::text AS "value"
  FROM pg_catalog.pg_settings
  WHERE name IN ('random_page_cost', 'seq_page_cost', 'cpu_tuple_cost', 'cpu_index_tuple_cost', 'cpu_operator_cost', 'effective_cache_size',
    'parallel_setup_cost', 'parallel_tuple_cost', 'min_parallel_table_scan_size', 'min_parallel_index_scan_size', 'from_collapse_limit',
    'join_collapse_limit', 'hash_mem_multiplier', 'work_mem', 'shared_buffers', 'max_connections', 'superuser_reserved_connections',
    'statement_timeout', 'lock_timeout',
    'idle_in_transaction_session_timeout', 'default_statistics_target', 'autovacuum', 'track_counts', 'track_io_timing', 'jit',
    'max_parallel_workers_per_gather', 'plan_cache_mode', 'block_size', 'search_path', 'shared_preload_libraries', 'server_version_num')
    OR (name ~ '^enable_' AND setting <> boot_val)
  UNION ALL SELECT 'lc_collate', datcollate::text FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
  UNION ALL SELECT 'encoding', pg_catalog.pg_encoding_to_char(encoding)::text FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
  UNION ALL
  SELECT 'locale_provider', CASE pg_catalog.to_jsonb(d) ->> 'datlocprovider' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END
  FROM pg_catalog.pg_database d WHERE datname = pg_catalog.current_database()
  UNION ALL
  SELECT 'locale', COALESCE(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale', datcollate::text)
  FROM pg_catalog.pg_database d WHERE datname = pg_catalog.current_database()`

export async function readSettings(
  connection: Connection,
  gaps: Gaps,
): Promise<Readonly<Record<string, string>>> {
  return gaps.read('settings', 'Advice that depends on them is omitted.', {}, async () => {
    const rows = await connection.query(SETTINGS)
    return Object.fromEntries(rows.map((row) => [textOf(row, 'name'), optionalTextOf(row, 'value') ?? '']))
  })
}

const EXTENSIONS = `
  SELECT name::text AS "name", installed_version IS NOT NULL AS "is_installed" FROM pg_catalog.pg_available_extensions
  UNION SELECT extname::text, true FROM pg_catalog.pg_extension
  ORDER BY 1`

export async function readExtensions(
  connection: Connection,
  gaps: Gaps,
): Promise<DatabaseSnapshot['extensions']> {
  const none = { installed: [], available: [] }
  return gaps.read('extensions', 'Indexes are validated without HypoPG.', none, async () => {
    const rows = await connection.query(EXTENSIONS)
    const installed = rows.filter((row) => flagOf(row, 'is_installed')).map((row) => textOf(row, 'name'))
    const available = rows.map((row) => textOf(row, 'name')).filter((name) => !installed.includes(name))
    return { installed, available }
  })
}

/** The activity of another role's session is null without the permission; its database is visible. */
const CONNECTIONS = `
  SELECT pg_catalog.current_setting('max_connections')::float8 AS "max", COUNT(*)::float8 AS "used",
    (COUNT(*) FILTER (WHERE state IN ('active', 'fastpath function call')))::float8 AS "active",
    (COUNT(*) FILTER (WHERE state = 'idle'))::float8 AS "idle",
    (COUNT(*) FILTER (WHERE state LIKE 'idle in transaction%'))::float8 AS "idle_in_transaction",
    (COUNT(*) FILTER (WHERE wait_event_type = 'Lock'))::float8 AS "blocked",
    (COUNT(*) FILTER (WHERE state IS NULL))::float8 AS "hidden"
  FROM pg_catalog.pg_stat_activity
  WHERE backend_type = 'client backend' OR (backend_type IS NULL AND datid IS NOT NULL)`

export async function readConnections(
  connection: Connection,
  gaps: Gaps,
): Promise<{ readonly connections?: ServerConnections }> {
  const none: { readonly connections?: ServerConnections } = {}
  return gaps.read('connections', 'Advice on pools is omitted.', none, async () => {
    const [row = {}] = await connection.query(CONNECTIONS)
    const hidden = countOf(row, 'hidden')
    if (hidden > 0)
      gaps.add(
        'connections',
        `This role cannot see the activity of ${hidden} sessions of other roles: GRANT pg_read_all_stats to it.`,
      )
    return {
      connections: {
        max: countOf(row, 'max'),
        used: countOf(row, 'used'),
        active: countOf(row, 'active'),
        idle: countOf(row, 'idle'),
        idleInTransaction: countOf(row, 'idle_in_transaction'),
        blocked: countOf(row, 'blocked'),
      },
    }
  })
}

/**
 * Statements that read the catalog or a plan come from tools, and are not part of the app's workload.
 * PostgreSQL 13 renamed the columns of times.
 */
const statementsOf = (schema: string) => `
  SELECT s.query AS "sql", SUM(s.calls)::float8 AS "calls", SUM(s.rows)::float8 AS "rows",
    SUM(COALESCE(t.j ->> 'total_exec_time', t.j ->> 'total_time')::float8) AS "total",
    MAX(COALESCE(t.j ->> 'max_exec_time', t.j ->> 'max_time')::float8) AS "max",
    s.query = '<insufficient privilege>' AS "is_hidden"
  FROM ${schema}.pg_stat_statements s
  CROSS JOIN LATERAL (SELECT pg_catalog.to_jsonb(s) AS j) t
  WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
    AND s.query !~* 'pg_catalog\\.|information_schema\\.|^\\s*explain'
  GROUP BY s.query
  ORDER BY 4 DESC
  LIMIT 1000`

const EXTENSION_SCHEMA = `
  SELECT pg_catalog.quote_ident(n.nspname) AS "schema"
  FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
  WHERE e.extname = 'pg_stat_statements'`

const PRELOAD = `Add pg_stat_statements to shared_preload_libraries, restart the server, and CREATE EXTENSION pg_stat_statements.`

export async function readStatements(
  connection: Connection,
  { installed }: DatabaseSnapshot['extensions'],
  gaps: Gaps,
): Promise<readonly ServerStatement[]> {
  if (!installed.includes('pg_stat_statements')) {
    gaps.add('statements', `The extension pg_stat_statements is not in this database. ${PRELOAD}`)
    return []
  }
  return gaps.read('statements', PRELOAD, [], async () => {
    const [extension = {}] = await connection.query(EXTENSION_SCHEMA)
    const rows = await connection.query(statementsOf(textOf(extension, 'schema')))
    const isHidden = (row: Row) => flagOf(row, 'is_hidden')
    if (rows.some(isHidden))
      gaps.add(
        'statements',
        'This role cannot see the statements of other roles: GRANT pg_read_all_stats to it.',
      )
    return rows
      .filter((row) => !isHidden(row))
      .map((row) => ({
        sql: textOf(row, 'sql'),
        calls: countOf(row, 'calls'),
        totalMs: countOf(row, 'total'),
        maxMs: countOf(row, 'max'),
        rows: countOf(row, 'rows'),
      }))
  })
}

function countOf(row: Row, column: string): number {
  return numberOf(row, column) ?? 0
}
