import { readStatement } from '../../sql/statement.ts'
import type { CatalogData } from '../catalog-data.ts'
import type { Connection } from '../connection.ts'
import {
  assembleCatalog,
  type ColumnEntry,
  callingViews,
  columnTypes,
  foreignKeyEntry,
  type KeyEntry,
  nameOf,
  type TableEntry,
} from './assemble.ts'
import { optionalTextOf, type Row, referentialAction, textOf } from './row-values.ts'

const userSchemas = (column: string) =>
  `${column} NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')`

const ME = `CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')`

/**
 * Tables, objects with triggers, the queries of views if they are visible, and the databases in which
 * triggers are visible at all, which requires the privilege TRIGGER. Storage engines other than the listed
 * ones can store their rows elsewhere.
 */
const TABLES = `
  SELECT 'default' AS \`what\`, DATABASE() AS \`schema\`, NULL AS \`table\`, NULL AS \`query\`
  UNION ALL
  SELECT CASE WHEN TABLE_TYPE = 'BASE TABLE' AND UPPER(ENGINE) IN ('INNODB', 'MYISAM', 'ARIA', 'MEMORY', 'ROCKSDB') THEN 'table' ELSE 'view' END,
    TABLE_SCHEMA, TABLE_NAME, NULL
  FROM information_schema.TABLES
  WHERE ${userSchemas('TABLE_SCHEMA')}
  UNION ALL
  SELECT DISTINCT 'trigger', EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, NULL
  FROM information_schema.TRIGGERS
  WHERE ${userSchemas('EVENT_OBJECT_SCHEMA')}
  UNION ALL
  SELECT 'query', TABLE_SCHEMA, TABLE_NAME, NULLIF(VIEW_DEFINITION, '')
  FROM information_schema.VIEWS
  WHERE ${userSchemas('TABLE_SCHEMA')}
  UNION ALL
  SELECT DISTINCT 'sees triggers', s.SCHEMA_NAME, NULL, NULL
  FROM information_schema.SCHEMATA s
  WHERE EXISTS (
      SELECT 1 FROM information_schema.USER_PRIVILEGES u WHERE u.PRIVILEGE_TYPE = 'TRIGGER' AND u.GRANTEE = ${ME}
    ) OR EXISTS (
      SELECT 1 FROM information_schema.SCHEMA_PRIVILEGES p
      WHERE p.PRIVILEGE_TYPE = 'TRIGGER' AND p.GRANTEE = ${ME} AND s.SCHEMA_NAME LIKE p.TABLE_SCHEMA
    )`

const COLUMNS = `
  SELECT TABLE_SCHEMA AS \`schema\`, TABLE_NAME AS \`table\`, COLUMN_NAME AS \`column\`, DATA_TYPE AS \`type\`, COLUMN_TYPE AS \`full_type\`,
    COLLATION_NAME AS \`collation\`, IS_NULLABLE AS \`nullable\`,
    CASE WHEN EXTRA LIKE '%VIRTUAL%' THEN GENERATION_EXPRESSION END AS \`virtual\`
  FROM information_schema.COLUMNS
  WHERE ${userSchemas('TABLE_SCHEMA')}
  ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION`

const KEYS = `
  SELECT TABLE_SCHEMA AS \`schema\`, TABLE_NAME AS \`table\`, INDEX_NAME AS \`key\`, COLUMN_NAME AS \`column\`
  FROM information_schema.STATISTICS
  WHERE NON_UNIQUE = 0 AND ${userSchemas('TABLE_SCHEMA')}
  ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX`

const FOREIGN_KEYS = `
  SELECT k.TABLE_SCHEMA AS \`schema\`, k.TABLE_NAME AS \`table\`, k.CONSTRAINT_NAME AS \`key\`, k.COLUMN_NAME AS \`column\`,
    k.REFERENCED_TABLE_SCHEMA AS \`referenced_schema\`, k.REFERENCED_TABLE_NAME AS \`referenced_table\`,
    k.REFERENCED_COLUMN_NAME AS \`referenced_column\`, r.DELETE_RULE AS \`on_delete\`, r.UPDATE_RULE AS \`on_update\`
  FROM information_schema.KEY_COLUMN_USAGE k
  JOIN information_schema.REFERENTIAL_CONSTRAINTS r
    ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME
  WHERE k.REFERENCED_TABLE_NAME IS NOT NULL AND ${userSchemas('k.TABLE_SCHEMA')}
  ORDER BY k.TABLE_SCHEMA, k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION`

/**
 * Reads all databases that the user can see, because foreign keys can refer to other databases. For MySQL 8
 * and MariaDB.
 */
export async function readMysql(connection: Connection): Promise<CatalogData> {
  const tableRows = await connection.query(TABLES)
  const columnRows = await connection.query(COLUMNS)
  const keyRows = await connection.query(KEYS)
  const foreignKeyRows = await connection.query(FOREIGN_KEYS)
  const are = (what: string) => tableRows.filter((row) => textOf(row, 'what') === what)

  const unknown = new Set(
    columnRows.filter((row) => !isComputedPurely(row)).map((row) => JSON.stringify(nameOf(row))),
  )
  const triggers = new Set(are('trigger').map((row) => JSON.stringify(nameOf(row))))
  const triggersSeen = new Set(are('sees triggers').map((row) => textOf(row, 'schema')))
  const views = are('query').map((row) => ({
    key: JSON.stringify(nameOf(row)),
    query: optionalTextOf(row, 'query'),
  }))
  const calling = callingViews(views, 'mysql', (name) =>
    JSON.stringify({ schema: name.at(-2) ?? '', table: name.at(-1) ?? '' }),
  )
  const tableEntry =
    (kind: 'table' | 'view') =>
    (row: Row): TableEntry => {
      const name = nameOf(row)
      return {
        ...name,
        kind: unknown.has(JSON.stringify(name)) ? 'view' : kind,
        hasTriggers: !triggersSeen.has(name.schema) || triggers.has(JSON.stringify(name)),
        whenRead: calling.has(JSON.stringify(name)) ? 'writes' : undefined,
      }
    }
  const [database] = are('default')
  return assembleCatalog({
    dialect: 'mysql',
    defaultSchema: (database === undefined ? undefined : optionalTextOf(database, 'schema')) ?? '',
    tables: [...are('table').map(tableEntry('table')), ...are('view').map(tableEntry('view'))],
    columns: columnRows.map(columnEntry),
    keys: keyRows.map((row): KeyEntry => {
      const key = textOf(row, 'key')
      return { ...nameOf(row), key, primary: key === 'PRIMARY', column: optionalTextOf(row, 'column') }
    }),
    foreignKeys: foreignKeyRows.map((row) => foreignKeyEntry(row, referentialAction)),
  })
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
