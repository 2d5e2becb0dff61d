import { type TableId, tableId } from '../../../schema/catalog-data.ts'
import type { Connection } from '../../../schema/connection.ts'
import { integerOf, optionalTextOf, type Row, textOf } from '../../../schema/readers/row-values.ts'
import type { IndexKey, IndexMethod } from '../../index-definition.ts'
import type { ColumnSnapshot, IndexSnapshot, TableSnapshot } from '../database-snapshot.ts'
import type { Gaps } from '../gaps.ts'
import { columnWithin, numberOf } from '../row-values.ts'

export interface TableDetails {
  readonly kind: TableSnapshot['kind']
  readonly rows: number
  readonly bytes: number
  readonly indexBytes: number
  readonly freeBytes: number | undefined
  readonly definition: string | undefined
}

const TABLES = `
  SELECT t.TABLE_NAME AS \`table\`, t.TABLE_TYPE AS \`type\`, t.CREATE_OPTIONS AS \`options\`, t.TABLE_ROWS AS \`rows\`,
    t.DATA_LENGTH AS \`bytes\`, t.INDEX_LENGTH AS \`index_bytes\`, t.DATA_FREE AS \`free\`, v.VIEW_DEFINITION AS \`definition\`
  FROM information_schema.TABLES t
  LEFT JOIN information_schema.VIEWS v ON v.TABLE_SCHEMA = t.TABLE_SCHEMA AND v.TABLE_NAME = t.TABLE_NAME
  WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW')
  ORDER BY t.TABLE_NAME`

/** The tables of the connection's database; those of others are none of the app's, for all that is known. */
export async function readTableDetails(
  connection: Connection,
  schema: string,
  gaps: Gaps,
): Promise<ReadonlyMap<TableId, TableDetails>> {
  const rows = await connection.query(TABLES)
  const details = new Map(
    rows.map((row) => [tableId('mysql', schema, textOf(row, 'table'), schema), detailsOf(row)]),
  )
  const hidden = [...details]
    .filter(([, { kind, definition }]) => kind === 'view' && definition === undefined)
    .map(([id]) => ({ id }))
  gaps.addTables('what is selected', hidden, 'This user has no permission: GRANT SHOW VIEW on them.')
  return details
}

function detailsOf(row: Row): TableDetails {
  const isView = textOf(row, 'type') === 'VIEW'
  const isPartitioned = /\bpartitioned\b/i.test(optionalTextOf(row, 'options') ?? '')
  const definition = optionalTextOf(row, 'definition')
  return {
    kind: isView ? 'view' : isPartitioned ? 'partitioned' : 'table',
    rows: numberOf(row, 'rows') ?? -1,
    bytes: numberOf(row, 'bytes') ?? -1,
    indexBytes: numberOf(row, 'index_bytes') ?? -1,
    freeBytes: isView ? undefined : numberOf(row, 'free'),
    definition: definition === '' ? undefined : definition,
  }
}

export interface InnodbStatistics {
  readonly rows: ReadonlyMap<TableId, number>
  /** Milliseconds since 1970. */
  readonly analyzedAt: ReadonlyMap<TableId, number>
  /** Bytes, by table and name. */
  readonly indexBytes: ReadonlyMap<TableId, ReadonlyMap<string, number>>
}

/**
 * Partitions have separate rows: `visit#P#p0`. The secondary indexes of a table are measured when it is
 * analyzed.
 */
const INNODB = `
  SELECT table_name AS \`table\`, NULL AS \`index\`, n_rows AS \`value\`, UNIX_TIMESTAMP(last_update) * 1000 AS \`at\`
  FROM mysql.innodb_table_stats WHERE database_name = DATABASE()
  UNION ALL
  SELECT table_name, index_name, stat_value * @@innodb_page_size, NULL
  FROM mysql.innodb_index_stats WHERE database_name = DATABASE() AND stat_name = 'size'`

export async function readInnodbStatistics(
  connection: Connection,
  schema: string,
  gaps: Gaps,
): Promise<InnodbStatistics> {
  const rows = new Map<TableId, number>()
  const analyzedAt = new Map<TableId, number>()
  const indexBytes = new Map<TableId, Map<string, number>>()
  const help = 'GRANT SELECT ON mysql.innodb_table_stats and ON mysql.innodb_index_stats.'
  await gaps.read('sizes of indexes, and when tables were analyzed', help, undefined, async () => {
    for (const row of await connection.query(INNODB)) {
      const id = tableId('mysql', schema, textOf(row, 'table').split(/#p#/i, 1)[0] ?? '', schema)
      const index = optionalTextOf(row, 'index')
      const value = numberOf(row, 'value') ?? 0
      if (index === undefined) {
        rows.set(id, (rows.get(id) ?? 0) + value)
        analyzedAt.set(id, Math.max(analyzedAt.get(id) ?? 0, numberOf(row, 'at') ?? 0))
      } else {
        const sizes = indexBytes.get(id) ?? new Map<string, number>()
        indexBytes.set(id, sizes.set(index, (sizes.get(index) ?? 0) + value))
      }
    }
  })
  return { rows, analyzedAt, indexBytes }
}

type ColumnDetails = Pick<ColumnSnapshot, 'databaseType' | 'collation' | 'isGenerated'>

const COLUMNS = `
  SELECT c.TABLE_NAME AS \`table\`, c.COLUMN_NAME AS \`column\`, c.COLUMN_TYPE AS \`type\`,
    CASE WHEN c.COLLATION_NAME <> s.DEFAULT_COLLATION_NAME THEN c.COLLATION_NAME END AS \`collation\`,
    c.GENERATION_EXPRESSION AS \`generated\`
  FROM information_schema.COLUMNS c
  JOIN information_schema.SCHEMATA s ON s.SCHEMA_NAME = c.TABLE_SCHEMA
  WHERE c.TABLE_SCHEMA = DATABASE()`

export async function readColumnDetails(
  connection: Connection,
  schema: string,
  gaps: Gaps,
): Promise<ReadonlyMap<TableId, ReadonlyMap<string, ColumnDetails>>> {
  return gaps.read('types of columns', 'Without them, casts are not checked.', new Map(), async () => {
    const tables = new Map<TableId, Map<string, ColumnDetails>>()
    for (const row of await connection.query(COLUMNS)) {
      const id = tableId('mysql', schema, textOf(row, 'table'), schema)
      const columns = tables.get(id) ?? new Map<string, ColumnDetails>()
      const collation = optionalTextOf(row, 'collation')
      columns.set(textOf(row, 'column'), {
        databaseType: textOf(row, 'type'),
        ...(collation === undefined ? {} : { collation }),
        ...((optionalTextOf(row, 'generated') ?? '') === '' ? {} : { isGenerated: true }),
      })
      tables.set(id, columns)
    }
    return tables
  })
}

/** All columns, since MySQL and MariaDB differ: the one has EXPRESSION and IS_VISIBLE, the other IGNORED. */
const INDEXES = `
  SELECT s.* FROM information_schema.STATISTICS s
  WHERE s.TABLE_SCHEMA = DATABASE()
  ORDER BY s.TABLE_NAME, s.INDEX_NAME <> 'PRIMARY', s.INDEX_NAME, s.SEQ_IN_INDEX`

const METHODS: Readonly<Record<string, IndexMethod>> = {
  BTREE: 'btree',
  HASH: 'hash',
  FULLTEXT: 'fulltext',
  SPATIAL: 'spatial',
  RTREE: 'spatial',
}

export async function readIndexes(
  connection: Connection,
  schema: string,
  columns: ReadonlyMap<TableId, readonly string[]>,
  gaps: Gaps,
): Promise<ReadonlyMap<TableId, readonly IndexSnapshot[]>> {
  return gaps.read('indexes', 'Without them, there is no advice on indexes.', new Map(), async () => {
    const indexes = new Map<string, Row[]>()
    for (const row of await connection.query(INDEXES)) {
      const name = JSON.stringify([textOf(row, 'TABLE_NAME'), textOf(row, 'INDEX_NAME')])
      indexes.set(name, [...(indexes.get(name) ?? []), row])
    }
    const tables = new Map<TableId, IndexSnapshot[]>()
    for (const [first, ...others] of indexes.values()) {
      if (first === undefined) continue
      const id = tableId('mysql', schema, textOf(first, 'TABLE_NAME'), schema)
      tables.set(id, [
        ...(tables.get(id) ?? []),
        indexOf(first, [first, ...others], id, columns.get(id) ?? []),
      ])
    }
    return tables
  })
}

function indexOf(
  first: Row,
  rows: readonly Row[],
  table: TableId,
  columns: readonly string[],
): IndexSnapshot {
  const name = textOf(first, 'INDEX_NAME')
  const isUnique = integerOf(first, 'NON_UNIQUE') === 0
  const isIgnored = textIn(first, 'IS_VISIBLE') === 'NO' || textIn(first, 'IGNORED') === 'YES'
  return {
    table,
    name,
    keys: rows.map((row) => keyOf(row, columns)),
    method: METHODS[textOf(first, 'INDEX_TYPE').toUpperCase()] ?? 'other',
    isUnique,
    isPrimary: name === 'PRIMARY',
    isConstraint: isUnique,
    isValid: true,
    isVisible: !isIgnored,
  }
}

function keyOf(row: Row, columns: readonly string[]): IndexKey {
  // Quotes within are escaped, as in a string.
  const expression = textIn(row, 'EXPRESSION')?.replaceAll(`\\'`, `'`)
  // A spatial index keeps the 32 bytes of a rectangle.
  const prefixLength =
    textOf(row, 'INDEX_TYPE').toUpperCase() === 'BTREE' ? numberOf(row, 'SUB_PART') : undefined
  return {
    column: optionalTextOf(row, 'COLUMN_NAME') ?? columnWithin(expression ?? '', columns, 'mysql'),
    ...(expression === undefined ? {} : { expression }),
    ...(textIn(row, 'COLLATION') === 'D' ? { isDescending: true } : {}),
    ...(prefixLength === undefined ? {} : { prefixLength }),
  }
}

/** A column that some servers do not have. */
function textIn(row: Row, column: string): string | undefined {
  return row[column] === undefined ? undefined : optionalTextOf(row, column)
}
