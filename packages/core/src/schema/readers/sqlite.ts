import { SqlSyntaxError } from '../../sql/syntax-error.ts'
import { tokenize } from '../../sql/tokenize.ts'
import { bothChanges, type OwnChange } from '../../sql/triggers/own-change.ts'
import { readSqliteTrigger, type TriggeredTable } from '../../sql/triggers/sqlite-trigger.ts'
import type { CatalogData, ColumnType } from '../catalog-data.ts'
import type { Connection } from '../connection.ts'
import type { TriggeredChanges } from '../triggered-changes.ts'
import {
  assembleCatalog,
  type ColumnEntry,
  callingViews,
  type KeyEntry,
  type TableEntry,
} from './assemble.ts'
import { flagOf, integerOf, optionalTextOf, type Row, referentialAction, textOf } from './row-values.ts'

const SCHEMA = 'main'

/**
 * Virtual tables and their shadow tables depend on more than statements name. A broken view would make
 * `pragma_table_xinfo` fail. If a constraint is declared `ON CONFLICT REPLACE`, plain inserts and updates
 * delete rows: that counts as a trigger.
 */
const TABLES = `
  SELECT l.name AS "table", l.type AS "type", l.wr AS "without_rowid",
    (SELECT v.sql FROM main.sqlite_schema v WHERE v.type = 'view' AND v.name = l.name) AS "view",
    EXISTS (SELECT 1 FROM temp.sqlite_schema t WHERE t.type = 'trigger' AND t.tbl_name = l.name COLLATE NOCASE)
      OR EXISTS (SELECT 1 FROM main.sqlite_schema t WHERE t.name = l.name AND upper(t.sql) LIKE '%CONFLICT%REPLACE%') AS "has_triggers"
  FROM pragma_table_list l
  WHERE l.schema = 'main' AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
  ORDER BY l.name`

const TRIGGERS = `
  SELECT t.tbl_name AS "table", t.sql AS "sql" FROM main.sqlite_schema t WHERE t.type = 'trigger' ORDER BY t.name`

const COLUMNS = `
  SELECT l.name AS "table", x.name AS "column", x.type AS "type", x."notnull" AS "not_null", x.pk AS "position",
    (SELECT m.sql FROM main.sqlite_schema m WHERE m.type = 'table' AND m.name = l.name AND upper(m.sql) LIKE '%COLLATE%') AS "collating"
  FROM (SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\') l
  JOIN pragma_table_xinfo(l.name, 'main') x
  ORDER BY l.name, x.cid`

const KEYS = `
  SELECT m.name AS "table", i.name AS "key", i.origin AS "origin", i."unique" AS "unique", i.partial AS "partial", c.name AS "column"
  FROM main.sqlite_schema m
  JOIN pragma_index_list(m.name, 'main') i
  JOIN pragma_index_xinfo(i.name, 'main') c
  WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' AND c.key = 1
  ORDER BY m.name, i.seq DESC, c.seqno`

const FOREIGN_KEYS = `
  SELECT m.name AS "table", f.id AS "key", f."from" AS "column", f."table" AS "references", f."to" AS "referenced_column",
    f.on_delete AS "on_delete", f.on_update AS "on_update"
  FROM main.sqlite_schema m
  JOIN pragma_foreign_key_list(m.name, 'main') f
  WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%'
  ORDER BY m.name, f.id, f.seq`

/**
 * Reads the main database; temporary tables and attached databases belong to one connection. Requires SQLite
 * 3.37.
 */
export async function readSqlite(connection: Connection): Promise<CatalogData> {
  const tableRows = await connection.query(TABLES)
  const columnRows = await connection.query(COLUMNS)
  const keyRows = await connection.query(KEYS)
  const foreignKeyRows = await connection.query(FOREIGN_KEYS)
  const triggerRows = await connection.query(TRIGGERS)

  const withoutRowid = new Set(
    tableRows.filter((row) => flagOf(row, 'without_rowid')).map((row) => textOf(row, 'table')),
  )
  const withPrimaryIndex = new Set(
    keyRows.filter((row) => textOf(row, 'origin') === 'pk').map((row) => textOf(row, 'table')),
  )
  // SQLite allows NULL in a primary key, unless the key is an alias of the rowid (it has no index) or
  // replaces the rowid.
  const refusesNull = (table: string) => withoutRowid.has(table) || !withPrimaryIndex.has(table)

  const views = tableRows.flatMap((row) => {
    const sql = optionalTextOf(row, 'view')
    return sql === undefined ? [] : [{ key: textOf(row, 'table').toLowerCase(), query: queryOf(sql) }]
  })
  const calling = callingViews(views, 'sqlite', (name) => (name.at(-1) ?? '').toLowerCase())
  const tables = tableRows.map((row): TableEntry => {
    const table = textOf(row, 'table')
    const own = triggersOf(
      triggerRows.filter((trigger) => isOf(trigger, table)),
      {
        name: table.toLowerCase(),
        keys: keysOf(table, columnRows, withoutRowid.has(table)),
        calling,
      },
    )
    return {
      schema: SCHEMA,
      table,
      kind: textOf(row, 'type') === 'table' ? 'table' : 'view',
      hasTriggers: flagOf(row, 'has_triggers') || own === 'unknown',
      ...(own !== 'unknown' && own !== undefined && { triggered: own }),
      whenRead: calling.has(table.toLowerCase()) ? 'writes' : undefined,
    }
  })
  const columns = columnRows.map((row): ColumnEntry => {
    const table = textOf(row, 'table')
    const inPrimaryKey = integerOf(row, 'position') > 0
    const nullable = !flagOf(row, 'not_null') && !(inPrimaryKey && refusesNull(table))
    const declared = sqliteType(textOf(row, 'type'))
    const isCollated = declared === 'text' && hasOwnCollation(optionalTextOf(row, 'collating'))
    const type = isCollated ? 'collated' : declared
    return { schema: SCHEMA, table, column: { name: textOf(row, 'column'), type, nullable } }
  })
  const primaryKeys = columnRows
    .filter((row) => integerOf(row, 'position') > 0)
    .sort((left, right) => integerOf(left, 'position') - integerOf(right, 'position'))
    .map(
      (row): KeyEntry => ({
        schema: SCHEMA,
        table: textOf(row, 'table'),
        key: '',
        primary: true,
        column: textOf(row, 'column'),
      }),
    )
  const uniqueKeys = keyRows
    .filter((row) => flagOf(row, 'unique') && !flagOf(row, 'partial') && textOf(row, 'origin') !== 'pk')
    .map((row): KeyEntry => {
      return {
        schema: SCHEMA,
        table: textOf(row, 'table'),
        key: textOf(row, 'key'),
        primary: false,
        column: optionalTextOf(row, 'column'),
      }
    })
  return assembleCatalog({
    dialect: 'sqlite',
    defaultSchema: SCHEMA,
    tables,
    columns,
    keys: [...primaryKeys, ...uniqueKeys],
    foreignKeys: foreignKeyRows.map((row) => ({
      schema: SCHEMA,
      table: textOf(row, 'table'),
      key: String(integerOf(row, 'key')),
      column: textOf(row, 'column'),
      references: { schema: SCHEMA, table: textOf(row, 'references') },
      referencedColumn: optionalTextOf(row, 'referenced_column'),
      onDelete: referentialAction(textOf(row, 'on_delete')),
      onUpdate: referentialAction(textOf(row, 'on_update')),
    })),
  })
}

/** The names of a row's number, unless a column has the name. */
const ROWID = ['rowid', 'oid', '_rowid_']

function isOf(row: Row, table: string): boolean {
  return textOf(row, 'table').toLowerCase() === table.toLowerCase()
}

/** The primary key and the names of the row's number, in lower case. */
function keysOf(table: string, columnRows: readonly Row[], isWithoutRowid: boolean): readonly string[][] {
  const columns = columnRows
    .filter((row) => isOf(row, table))
    .map((row) => ({ name: textOf(row, 'column').toLowerCase(), isKey: integerOf(row, 'position') > 0 }))
  const primary = columns.filter(({ isKey }) => isKey).map(({ name }) => name)
  const rowid = ROWID.filter((name) => !isWithoutRowid && columns.every((column) => column.name !== name))
  return [primary, ...rowid.map((name) => [name])]
}

/** The changes of a table's triggers in it; `unknown`: they may change any table. */
function triggersOf(rows: readonly Row[], table: TriggeredTable): TriggeredChanges | 'unknown' | undefined {
  const changes: { -readonly [K in keyof TriggeredChanges]: OwnChange } = {}
  for (const row of rows) {
    const trigger = readSqliteTrigger(textOf(row, 'sql'), table)
    if (trigger === undefined) return 'unknown'
    const change = bothChanges(changes[trigger.event], trigger.change)
    if (change !== undefined) changes[trigger.event] = change
  }
  return Object.keys(changes).length === 0 ? undefined : changes
}

/** Whether the SQL of a table may name a collation other than those of SQLite. */
function hasOwnCollation(sql: string | undefined): boolean {
  return /\bCOLLATE(?!\s*["'`[]?(?:BINARY|NOCASE|RTRIM)\b)/i.test(sql ?? '')
}

/** The query of `CREATE VIEW name (columns) AS query`. */
function queryOf(sql: string): string | undefined {
  try {
    let depth = 0
    for (const { text, upper, end } of tokenize(sql, 'sqlite')) {
      if (text === '(') depth += 1
      else if (text === ')') depth -= 1
      else if (upper === 'AS' && depth === 0) return sql.slice(end)
    }
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
  }
  return undefined
}

/** Words of declared types in order of precedence: `INT` first, as in SQLite's affinity rules. */
const types: readonly (readonly [RegExp, ColumnType])[] = [
  [/INT/, 'integer'],
  [/CHAR|CLOB|TEXT/, 'text'],
  [/BLOB/, 'bytes'],
  [/REAL|FLOA|DOUB/, 'float'],
  [/BOOL/, 'boolean'],
  [/DATE|TIME/, 'datetime'],
  [/DECIMAL|NUMERIC/, 'decimal'],
  [/JSON/, 'json'],
  [/UUID/, 'uuid'],
]

/** Type of a column's values, from its declared type. */
export function sqliteType(declared: string): ColumnType {
  const upper = declared.toUpperCase()
  return types.find(([word]) => word.test(upper))?.[1] ?? 'other'
}
