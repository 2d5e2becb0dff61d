import { type TableId, tableId } from '../../../schema/catalog-data.ts'
import type { Connection } from '../../../schema/connection.ts'
import { flagOf, optionalTextOf, type Row, textOf } from '../../../schema/readers/row-values.ts'
import type { IndexKey, IndexMethod } from '../../index-definition.ts'
import type { IndexSnapshot } from '../database-snapshot.ts'
import type { Gaps } from '../gaps.ts'
import { columnWithin, numberOf } from '../row-values.ts'
import { OF_USERS } from './tables.ts'

/**
 * Options of a key: 1 is DESC, 2 is NULLS FIRST. Only a b-tree orders. Keys beyond `indnkeyatts` are carried
 * along.
 */
const INDEXES = `
  SELECT i.indexrelid::text AS "oid", n.nspname::text AS "schema", c.relname::text AS "table", ic.relname::text AS "name", am.amname::text AS "method",
    i.indisunique AS "is_unique", i.indisprimary AS "is_primary", i.indisvalid AND i.indisready AS "is_valid",
    EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) AS "is_constraint",
    pg_catalog.pg_get_expr(i.indpred, i.indrelid, true) AS "where",
    pg_catalog.pg_get_indexdef(i.indexrelid) AS "definition",
    CASE WHEN ic.relkind = 'i' THEN pg_catalog.pg_table_size(i.indexrelid)::float8 END AS "bytes",
    (
      SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
          'column', a.attname,
          'expression', CASE WHEN i.indkey[k.at] = 0 THEN pg_catalog.pg_get_indexdef(i.indexrelid, k.at + 1, true) END,
          'isCarried', k.at >= i.indnkeyatts,
          'option', CASE WHEN k.at < i.indnkeyatts AND am.amname = 'btree' THEN i.indoption[k.at] ELSE 0 END,
          'operatorClass', CASE WHEN NOT o.opcdefault THEN o.opcname END,
          'collation', CASE WHEN l.oid <> COALESCE(a.attcollation, 100) THEN l.collname END
        ) ORDER BY k.at)::text
      FROM pg_catalog.generate_series(0, i.indnatts - 1) AS k (at)
      LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.at] AND a.attnum <> 0
      LEFT JOIN pg_catalog.pg_opclass o ON k.at < i.indnkeyatts AND o.oid = i.indclass[k.at]
      LEFT JOIN pg_catalog.pg_collation l ON k.at < i.indnkeyatts AND l.oid = i.indcollation[k.at]
    ) AS "keys"
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
  JOIN pg_catalog.pg_am am ON am.oid = ic.relam
  JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE i.indislive AND ${OF_USERS}
  ORDER BY n.nspname, c.relname, NOT i.indisprimary, ic.relname`

interface KeyRow {
  readonly column: string | null
  readonly expression: string | null
  readonly isCarried: boolean
  readonly option: number
  readonly operatorClass: string | null
  readonly collation: string | null
}

/** An index, and the server's number for it. */
export type NumberedIndex = IndexSnapshot & { readonly oid: string }

export async function readIndexes(
  connection: Connection,
  columns: ReadonlyMap<TableId, readonly string[]>,
  gaps: Gaps,
): Promise<ReadonlyMap<TableId, readonly NumberedIndex[]>> {
  return gaps.read('indexes', 'Without them, there is no advice on indexes.', new Map(), async () => {
    const tables = new Map<TableId, NumberedIndex[]>()
    for (const row of await connection.query(INDEXES)) {
      const table = tableId('postgresql', textOf(row, 'schema'), textOf(row, 'table'), 'public')
      const index = indexOf(row, table, columns.get(table) ?? [])
      const known = tables.get(table)
      if (known === undefined) tables.set(table, [index])
      else known.push(index)
    }
    return tables
  })
}

const METHODS: ReadonlySet<string> = new Set<IndexMethod>(['btree', 'hash', 'gin', 'gist', 'brin', 'spgist'])

function indexOf(row: Row, table: TableId, columns: readonly string[]): NumberedIndex {
  const keys = JSON.parse(textOf(row, 'keys')) as readonly KeyRow[]
  const carried = keys.filter(({ isCarried }) => isCarried)
  const method = textOf(row, 'method')
  const where = optionalTextOf(row, 'where')
  const bytes = numberOf(row, 'bytes')
  return {
    oid: textOf(row, 'oid'),
    table,
    name: textOf(row, 'name'),
    keys: keys.filter(({ isCarried }) => !isCarried).map((key) => keyOf(key, columns)),
    method: METHODS.has(method) ? (method as IndexMethod) : 'other',
    isUnique: flagOf(row, 'is_unique'),
    ...(where === undefined ? {} : { where }),
    ...(carried.length === 0 ? {} : { include: carried.map(({ column }) => column ?? '') }),
    isPrimary: flagOf(row, 'is_primary'),
    isConstraint: flagOf(row, 'is_constraint'),
    isValid: flagOf(row, 'is_valid'),
    isVisible: true,
    ...(bytes === undefined ? {} : { bytes }),
    definition: textOf(row, 'definition'),
  }
}

function keyOf(
  { column, expression, option, operatorClass, collation }: KeyRow,
  columns: readonly string[],
): IndexKey {
  const isDescending = (option & 1) !== 0
  const isNullsFirst = (option & 2) !== 0
  return {
    column: column ?? columnWithin(expression ?? '', columns, 'postgresql'),
    ...(expression === null ? {} : { expression }),
    ...(isDescending ? { isDescending } : {}),
    ...(isDescending === isNullsFirst ? {} : { nulls: isNullsFirst ? 'first' : 'last' }),
    ...(operatorClass === null ? {} : { operatorClass }),
    ...(collation === null ? {} : { collation }),
  }
}
