import { type TableId, tableId } from '../../../schema/catalog-data.ts'
import type { Connection } from '../../../schema/connection.ts'
import { flagOf, integerOf, optionalTextOf, type Row, textOf } from '../../../schema/readers/row-values.ts'
import type { IndexKey } from '../../index-definition.ts'
import type { IndexSnapshot } from '../database-snapshot.ts'
import { columnWithin } from '../expression-column.ts'
import type { Gaps } from '../gaps.ts'
import { declaredCollations, readIndexDefinition, type WrittenIndex } from './read-definitions.ts'

const INDEXES = `
  SELECT m.name AS "table", m.sql AS "table_sql", i.name AS "name", i."unique" AS "is_unique", i.origin AS "origin",
    (SELECT x.sql FROM main.sqlite_schema x WHERE x.type = 'index' AND x.name = i.name) AS "definition",
    c.seqno AS "position", c.cid AS "column_number", c.name AS "column", c."desc" AS "is_descending", c.coll AS "collation"
  FROM main.sqlite_schema m
  JOIN pragma_index_list(m.name, 'main') i
  JOIN pragma_index_xinfo(i.name, 'main') c
  WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' AND c.key = 1
  ORDER BY m.name, i.seq DESC, c.seqno`

export async function readIndexes(
  connection: Connection,
  columns: ReadonlyMap<TableId, readonly string[]>,
  gaps: Gaps,
): Promise<ReadonlyMap<TableId, readonly IndexSnapshot[]>> {
  return gaps.read('indexes', 'Without them, there is no advice on indexes.', new Map(), async () => {
    const tables = new Map<TableId, IndexSnapshot[]>()
    for (const rows of byIndex(await connection.query(INDEXES))) {
      const [first] = rows
      if (first === undefined) continue
      const table = tableId('sqlite', undefined, textOf(first, 'table'), 'main')
      const index = indexOf(first, rows, table, columns.get(table) ?? [])
      tables.set(table, [...(tables.get(table) ?? []), index])
    }
    return tables
  })
}

function byIndex(rows: readonly Row[]): Iterable<readonly Row[]> {
  const indexes = new Map<string, Row[]>()
  for (const row of rows) {
    const name = textOf(row, 'name')
    indexes.set(name, [...(indexes.get(name) ?? []), row])
  }
  return indexes.values()
}

function indexOf(
  first: Row,
  rows: readonly Row[],
  table: TableId,
  columns: readonly string[],
): IndexSnapshot {
  const definition = optionalTextOf(first, 'definition')
  const written = definition === undefined ? undefined : readIndexDefinition(definition)
  const collations = declaredCollations(textOf(first, 'table_sql'))
  const origin = textOf(first, 'origin')
  return {
    table,
    name: textOf(first, 'name'),
    keys: rows.map((row) => keyOf(row, written, collations, columns)),
    method: 'btree',
    isUnique: flagOf(first, 'is_unique'),
    ...(written?.where === undefined ? {} : { where: written.where }),
    isPrimary: origin === 'pk',
    isConstraint: origin !== 'c',
    isValid: true,
    isVisible: true,
    ...(definition === undefined ? {} : { definition }),
  }
}

function keyOf(
  row: Row,
  written: WrittenIndex | undefined,
  collations: ReadonlyMap<string, string>,
  columns: readonly string[],
): IndexKey {
  const name = optionalTextOf(row, 'column')
  const expression =
    name === undefined ? (written?.keys[integerOf(row, 'position')]?.expression ?? '') : undefined
  const column = name ?? columnWithin(expression ?? '', columns, 'sqlite')
  const collation = optionalTextOf(row, 'collation')?.toUpperCase()
  const own = expression === undefined ? (collations.get(column.toLowerCase()) ?? 'BINARY') : 'BINARY'
  return {
    column,
    ...(expression === undefined ? {} : { expression }),
    ...(flagOf(row, 'is_descending') ? { isDescending: true } : {}),
    ...(collation === undefined || collation === own ? {} : { collation }),
  }
}
