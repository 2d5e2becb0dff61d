import { readStatement } from '../../sql/statement.ts'
import { columnsSetByMysqlTrigger } from '../../sql/triggers/mysql-trigger.ts'
import { bothChanges, type OwnChange } from '../../sql/triggers/own-change.ts'
import type { CatalogData } from '../catalog-data.ts'
import { inDatabases, isOfServer } from '../catalog-scope.ts'
import type { Connection } from '../connection.ts'
import {
  assembleCatalog,
  type ColumnEntry,
  callingViews,
  columnTypes,
  type ForeignKeyEntry,
  foreignKeyEntry,
  type KeyEntry,
  nameOf,
  type TableEntry,
} from './assemble.ts'
import { optionalTextOf, type Row, referentialAction, textOf } from './row-values.ts'

const ME = `CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')`

/**
 * Tables, triggers, the queries of views if they are visible, and the databases in which
 * triggers are visible at all, which requires the privilege TRIGGER. Storage engines other than the listed
 * ones can store their rows elsewhere.
 */
const tablesQuery = (databases: readonly string[]) => `
  SELECT 'default' AS \`what\`, DATABASE() AS \`schema\`, NULL AS \`table\`, NULL AS \`query\`, NULL AS \`event\`, NULL AS \`mode\`
  UNION ALL
  SELECT CASE WHEN TABLE_TYPE = 'BASE TABLE' AND UPPER(ENGINE) IN ('INNODB', 'MYISAM', 'ARIA', 'MEMORY', 'ROCKSDB') THEN 'table' ELSE 'view' END,
    TABLE_SCHEMA, TABLE_NAME, NULL, NULL, NULL
  FROM information_schema.TABLES
  WHERE ${inDatabases('TABLE_SCHEMA', databases)}
  UNION ALL
  SELECT 'trigger', EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, ACTION_STATEMENT, CONCAT(ACTION_TIMING, ' ', EVENT_MANIPULATION), SQL_MODE
  FROM information_schema.TRIGGERS
  WHERE ${inDatabases('EVENT_OBJECT_SCHEMA', databases)}
  UNION ALL
  SELECT 'query', TABLE_SCHEMA, TABLE_NAME, NULLIF(VIEW_DEFINITION, ''), NULL, NULL
  FROM information_schema.VIEWS
  WHERE ${inDatabases('TABLE_SCHEMA', databases)}
  UNION ALL
  SELECT DISTINCT 'sees triggers', s.SCHEMA_NAME, NULL, NULL, NULL, NULL
  FROM information_schema.SCHEMATA s
  WHERE ${inDatabases('s.SCHEMA_NAME', databases)} AND (EXISTS (
      SELECT 1 FROM information_schema.USER_PRIVILEGES u WHERE u.PRIVILEGE_TYPE = 'TRIGGER' AND u.GRANTEE = ${ME}
    ) OR EXISTS (
      SELECT 1 FROM information_schema.SCHEMA_PRIVILEGES p
      WHERE p.PRIVILEGE_TYPE = 'TRIGGER' AND p.GRANTEE = ${ME} AND s.SCHEMA_NAME LIKE p.TABLE_SCHEMA
    ))`

const columnsQuery = (databases: readonly string[]) => `
  SELECT TABLE_SCHEMA AS \`schema\`, TABLE_NAME AS \`table\`, COLUMN_NAME AS \`column\`, DATA_TYPE AS \`type\`, COLUMN_TYPE AS \`full_type\`,
    COLLATION_NAME AS \`collation\`, IS_NULLABLE AS \`nullable\`,
    CASE WHEN EXTRA LIKE '%VIRTUAL%' THEN GENERATION_EXPRESSION END AS \`virtual\`
  FROM information_schema.COLUMNS
  WHERE ${inDatabases('TABLE_SCHEMA', databases)}
  ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION`

const keysQuery = (databases: readonly string[]) => `
  SELECT TABLE_SCHEMA AS \`schema\`, TABLE_NAME AS \`table\`, INDEX_NAME AS \`key\`, COLUMN_NAME AS \`column\`
  FROM information_schema.STATISTICS
  WHERE NON_UNIQUE = 0 AND ${inDatabases('TABLE_SCHEMA', databases)}
  ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX`

/**
 * The columns of foreign keys, and the rules of each key. They are joined later, because MariaDB would read
 * the rules of every table again for each column.
 */
const foreignKeysQuery = (databases: readonly string[]) => `
  SELECT TABLE_SCHEMA AS \`schema\`, TABLE_NAME AS \`table\`, CONSTRAINT_NAME AS \`key\`, COLUMN_NAME AS \`column\`,
    REFERENCED_TABLE_SCHEMA AS \`referenced_schema\`, REFERENCED_TABLE_NAME AS \`referenced_table\`,
    REFERENCED_COLUMN_NAME AS \`referenced_column\`, NULL AS \`on_delete\`, NULL AS \`on_update\`, ORDINAL_POSITION AS \`position\`
  FROM information_schema.KEY_COLUMN_USAGE
  WHERE REFERENCED_TABLE_NAME IS NOT NULL AND ${inDatabases('TABLE_SCHEMA', databases)}
  UNION ALL
  SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, NULL, NULL, NULL, NULL, DELETE_RULE, UPDATE_RULE, 0
  FROM information_schema.REFERENTIAL_CONSTRAINTS
  WHERE ${inDatabases('CONSTRAINT_SCHEMA', databases)}
  ORDER BY 1, 2, 3, 10`

/**
 * Reads the database of the connection, and some others. For MySQL 8 and MariaDB.
 *
 * @returns Also the databases to which their foreign keys and views refer, in `databases`.
 */
export async function readMysql(
  connection: Connection,
  others: readonly string[] = [],
): Promise<CatalogData> {
  const tableRows = await connection.query(tablesQuery(others))
  const columnRows = await connection.query(columnsQuery(others))
  const keyRows = await connection.query(keysQuery(others))
  const foreignKeyRows = await connection.query(foreignKeysQuery(others))
  const are = (what: string) => tableRows.filter((row) => textOf(row, 'what') === what)

  const unknown = new Set(
    columnRows.filter((row) => !isComputedPurely(row)).map((row) => JSON.stringify(nameOf(row))),
  )
  const triggersSeen = new Set(are('sees triggers').map((row) => textOf(row, 'schema')))
  const views = are('query').map((row) => ({
    key: JSON.stringify(nameOf(row)),
    query: optionalTextOf(row, 'query'),
  }))
  const reached = new Set<string>()
  const calling = callingViews(views, 'mysql', (name) => {
    const [schema = '', table = ''] = name.slice(-2)
    reached.add(schema)
    return JSON.stringify({ schema, table })
  })
  const triggers = triggersOf(
    are('trigger'),
    new Set([...calling].map((name) => (JSON.parse(name) as { table: string }).table.toLowerCase())),
  )
  const tableEntry =
    (kind: 'table' | 'view') =>
    (row: Row): TableEntry => {
      const name = nameOf(row)
      const own = triggers.get(JSON.stringify(name))
      return {
        ...name,
        kind: unknown.has(JSON.stringify(name)) ? 'view' : kind,
        hasTriggers: !triggersSeen.has(name.schema) || own === 'unknown',
        ...(own !== 'unknown' && own !== undefined && { triggered: { update: own } }),
        whenRead: calling.has(JSON.stringify(name)) ? 'writes' : undefined,
      }
    }
  const foreignKeys = foreignKeyEntries(foreignKeyRows)
  for (const { references } of foreignKeys) reached.add(references.schema)
  const [database] = are('default')
  const own = database && optionalTextOf(database, 'schema')
  const data = assembleCatalog({
    dialect: 'mysql',
    defaultSchema: own ?? '',
    tables: [...are('table').map(tableEntry('table')), ...are('view').map(tableEntry('view'))],
    columns: columnRows.map(columnEntry),
    keys: keyRows.map((row): KeyEntry => {
      const key = textOf(row, 'key')
      return { ...nameOf(row), key, primary: key === 'PRIMARY', column: optionalTextOf(row, 'column') }
    }),
    foreignKeys,
  })
  const databases = [...new Set([own ?? '', ...others, ...reached])]
  return { ...data, databases: databases.filter((name) => name !== '' && !isOfServer(name)) }
}

function foreignKeyEntries(rows: readonly Row[]): readonly ForeignKeyEntry[] {
  const keyOf = (row: Row) => JSON.stringify([nameOf(row), textOf(row, 'key')])
  const [columns, rules] = [rows.filter(isColumn), rows.filter((row) => !isColumn(row))]
  const ruleOf = new Map(rules.map((row) => [keyOf(row), row]))
  return columns.map((row) => {
    const { on_delete = '', on_update = '' } = ruleOf.get(keyOf(row)) ?? {}
    return foreignKeyEntry({ ...row, on_delete, on_update }, referentialAction)
  })
}

function isColumn(row: Row): boolean {
  return row.column !== null
}

/** The changes of each table's triggers in the rows of an update; `unknown`: they may change any table. */
function triggersOf(
  rows: readonly Row[],
  calling: ReadonlySet<string>,
): ReadonlyMap<string, OwnChange | 'unknown'> {
  const triggers = new Map<string, OwnChange | 'unknown'>()
  for (const row of rows) {
    const name = JSON.stringify(nameOf(row))
    const known = triggers.get(name)
    const [body, mode] = [optionalTextOf(row, 'query'), optionalTextOf(row, 'mode')]
    const columns =
      body === undefined || mode === undefined ? undefined : columnsSetByMysqlTrigger(body, mode, calling)
    if (known === 'unknown' || columns === undefined) triggers.set(name, 'unknown')
    // Columns that are set before an insert belong to a new row.
    else if (columns.size > 0 && /^BEFORE .*UPDATE/.test(textOf(row, 'event')))
      triggers.set(name, bothChanges(known, { columns: [...columns], isOfRow: true }))
  }
  return triggers
}

/** Whether a column that is computed on read depends only on the row. */
function isComputedPurely(row: Row): boolean {
  const expression = optionalTextOf(row, 'virtual')
  if (expression === undefined) return true
  const { opaque, volatile, functions, reads } = readStatement(`SELECT ${expression}`, 'mysql')
  return opaque === undefined && !volatile && functions.size === 0 && reads.length === 0
}

function columnEntry(row: Row): ColumnEntry {
  const named =
    textOf(row, 'full_type').toLowerCase() === 'tinyint(1)'
      ? 'boolean'
      : (types[textOf(row, 'type').toLowerCase()] ?? 'other')
  const type =
    named === 'text' && ODD_COLLATIONS.test(optionalTextOf(row, 'collation') ?? '') ? 'collated' : named
  const isTime = textOf(row, 'type').toLowerCase() === 'time'
  return {
    ...nameOf(row),
    column: {
      name: textOf(row, 'column'),
      type,
      nullable: textOf(row, 'nullable') === 'YES',
      ...(isTime && { exactType: 'time' }),
    },
  }
}

/**
 * These treat different ASCII characters as equal (`Y` and `~`, `M` and `N`), or cannot represent some
 * characters.
 */
const ODD_COLLATIONS = /^(?:big5|gb2312|gbk|macce|swe7)_/i

/**
 * `year`, `time`, `enum` and `set` are `other`: several values represent one (24 is 2024, and the number 2 is
 * the second string of an enum).
 */
const types = columnTypes({
  integer: 'tinyint smallint mediumint int bigint',
  decimal: 'decimal',
  float: 'float double',
  text: 'char varchar tinytext text mediumtext longtext',
  uuid: 'uuid',
  datetime: 'date datetime timestamp',
  bytes: 'binary varbinary tinyblob blob mediumblob longblob',
  json: 'json',
})
