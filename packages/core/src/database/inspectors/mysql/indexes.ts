import { type TableId, tableId } from '../../../schema/catalog-data.ts'
import type { Connection } from '../../../schema/connection.ts'
import { integerOf, optionalTextOf, type Row, textOf } from '../../../schema/readers/row-values.ts'
import type { IndexKey, IndexMethod } from '../../index-definition.ts'
import type { IndexSnapshot } from '../database-snapshot.ts'
import type { Gaps } from '../gaps.ts'
import { columnWithin, numberOf } from '../row-values.ts'

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
