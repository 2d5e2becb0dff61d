import { type TableId, type TableInfo, tableId } from '../../schema/catalog-data.ts'
import type { Connection } from '../../schema/connection.ts'
import { readMysql } from '../../schema/readers/mysql.ts'
import { optionalTextOf, type Row, textOf } from '../../schema/readers/row-values.ts'
import type { IndexSnapshot, ServerConnections, ServerStatement, TableSnapshot } from './database-snapshot.ts'
import { Gaps } from './gaps.ts'
import {
  type InnodbStatistics,
  readColumnDetails,
  readIndexes,
  readInnodbStatistics,
  readTableDetails,
  type TableDetails,
} from './mysql/tables.ts'
import { type Inspected, numberOf, versionParts } from './row-values.ts'

/** Reads the database that the connection has chosen. For MySQL 8 and MariaDB 10.6. */
export async function inspectMysql(connection: Connection): Promise<Inspected> {
  const gaps = new Gaps()
  const catalog = await readMysql(connection)
  const schema = catalog.defaultSchema
  const [server = {}] = await connection.query('SELECT VERSION() AS `version`')
  const version = textOf(server, 'version')
  const details = await readTableDetails(connection, schema, gaps)
  const idOf = (table: TableInfo) => tableId('mysql', table.schema, table.name, schema)
  const known = catalog.tables.filter((table) => details.has(idOf(table)))
  const columns = await readColumnDetails(connection, schema, gaps)
  const columnNames = new Map(known.map((table) => [idOf(table), table.columns.map(({ name }) => name)]))
  const indexes = await readIndexes(connection, schema, columnNames, gaps)
  const innodb = await readInnodbStatistics(connection, schema, gaps)
  const settings = await readSettings(connection, gaps)
  const use = await readTableCounters(connection, schema, settings, gaps)
  const product = /mariadb/i.test(version) ? 'mariadb' : 'mysql'

  const tables = known.map((table): TableSnapshot => {
    const id = idOf(table)
    const detail = details.get(id) as TableDetails
    const analyzedAt = innodb.analyzedAt.get(id)
    // MySQL shows counts that may be a day old.
    const rows = (product === 'mysql' ? innodb.rows.get(id) : undefined) ?? detail.rows
    const ofColumns = columns.get(id)
    return {
      id,
      schema: table.schema ?? schema,
      name: table.name,
      kind: detail.kind,
      rows,
      bytes: detail.bytes,
      indexBytes: detail.indexBytes,
      primaryKey: table.primaryKey,
      columns: table.columns.map((column) => ({
        ...column,
        databaseType: column.type,
        ...ofColumns?.get(column.name),
      })),
      indexes: (indexes.get(id) ?? []).map((index) => withUse(index, innodb, use)),
      ...(detail.definition === undefined ? {} : { definition: detail.definition }),
      ...(detail.freeBytes === undefined ? {} : { freeBytes: detail.freeBytes }),
      ...(analyzedAt === undefined ? {} : { analyzedAt }),
      ...use?.get(id)?.counters,
    }
  })
  const ids = new Set(tables.map(({ id }) => id))
  return {
    product,
    version,
    versionParts: versionParts(version),
    defaultSchema: schema,
    tables,
    foreignKeys: catalog.foreignKeys.filter(({ table }) => ids.has(table)),
    settings,
    extensions: { installed: [], available: [] },
    ...(await readConnections(connection, settings, gaps)),
    statements: await readStatements(connection, settings, gaps),
    gaps: gaps.list,
  }
}

/** The primary key holds the rows: what it takes is the table's. */
function withUse(
  index: IndexSnapshot,
  innodb: InnodbStatistics,
  use: ReadonlyMap<TableId, TableCounters> | undefined,
): IndexSnapshot {
  const bytes = innodb.indexBytes.get(index.table)?.get(index.name)
  return {
    ...index,
    ...(bytes === undefined ? {} : { bytes }),
    ...(use === undefined ? {} : { scans: use.get(index.table)?.scans.get(index.name) ?? 0 }),
  }
}

interface TableCounters {
  /** By index: rows that were read by it. */
  readonly scans: Map<string, number>
  readonly counters: Pick<TableSnapshot, 'inserted' | 'updated' | 'deleted' | 'fullScanRows'>
}

/**
 * The server counts rows, not scans. Writes, and reads without an index, are counted in the row without an
 * index name.
 */
const BY_INDEX = `
  SELECT OBJECT_NAME AS \`table\`, INDEX_NAME AS \`index\`, COUNT_FETCH AS \`fetched\`,
    COUNT_INSERT AS \`inserted\`, COUNT_UPDATE AS \`updated\`, COUNT_DELETE AS \`deleted\`
  FROM performance_schema.table_io_waits_summary_by_index_usage
  WHERE OBJECT_SCHEMA = DATABASE()`

const USER_STATISTICS = `
  SELECT TABLE_NAME AS \`table\`, INDEX_NAME AS \`index\`, ROWS_READ AS \`fetched\` FROM information_schema.INDEX_STATISTICS WHERE TABLE_SCHEMA = DATABASE()`

/** Counters of the server; `undefined` if it has none. An index that is not listed was not used. */
async function readTableCounters(
  connection: Connection,
  schema: string,
  settings: Readonly<Record<string, string>>,
  gaps: Gaps,
): Promise<ReadonlyMap<TableId, TableCounters> | undefined> {
  if (settings.performance_schema === 'ON') {
    const help = 'GRANT SELECT ON performance_schema.*, and enable the instrument wait/io/table/sql/handler.'
    return gaps.read('index use', help, undefined, async () =>
      useOf(await connection.query(BY_INDEX), schema, true),
    )
  }
  if (settings.userstat === 'ON') {
    const help = 'GRANT PROCESS to this user.'
    return gaps.read('index use', help, undefined, async () =>
      useOf(await connection.query(USER_STATISTICS), schema, false),
    )
  }
  const orUserstat = settings.userstat === undefined ? '' : ', or userstat at any time'
  gaps.add(
    'index use',
    `The server does not count it: set performance_schema to ON in its configuration${orUserstat}.`,
  )
  return undefined
}

function useOf(
  rows: readonly Row[],
  schema: string,
  hasWrites: boolean,
): ReadonlyMap<TableId, TableCounters> {
  const tables = new Map<TableId, TableCounters>()
  const byTable = new Map<TableId, Row[]>()
  for (const row of rows) {
    const id = tableId('mysql', schema, textOf(row, 'table'), schema)
    byTable.set(id, [...(byTable.get(id) ?? []), row])
  }
  for (const [id, ofTable] of byTable) {
    const total = (column: string) => ofTable.reduce((sum, row) => sum + (numberOf(row, column) ?? 0), 0)
    const scans = new Map<string, number>()
    let fullScanRows = 0
    for (const row of ofTable) {
      const index = optionalTextOf(row, 'index')
      const fetched = numberOf(row, 'fetched') ?? 0
      if (index === undefined) fullScanRows += fetched
      else scans.set(index, fetched)
    }
    const written = {
      inserted: total('inserted'),
      updated: total('updated'),
      deleted: total('deleted'),
      fullScanRows,
    }
    tables.set(id, { scans, counters: hasWrites ? written : {} })
  }
  return tables
}

const SETTINGS = `
  SHOW VARIABLES WHERE Variable_name IN ('innodb_buffer_pool_size', 'innodb_page_size', 'innodb_stats_persistent', 'innodb_stats_auto_recalc',
    'max_connections', 'sql_mode', 'optimizer_switch', 'lower_case_table_names', 'version_comment', 'collation_database', 'collation_server',
    'performance_schema', 'userstat', 'use_stat_tables', 'information_schema_stats_expiry', 'max_execution_time', 'max_statement_time',
    'lock_wait_timeout', 'innodb_lock_wait_timeout', 'transaction_isolation', 'tx_isolation', 'long_query_time', 'slow_query_log',
    'ft_min_word_len', 'innodb_ft_min_token_size', 'ngram_token_size', 'tmp_table_size', 'sort_buffer_size', 'join_buffer_size')`

async function readSettings(connection: Connection, gaps: Gaps): Promise<Readonly<Record<string, string>>> {
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

async function readConnections(
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

async function readStatements(
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
