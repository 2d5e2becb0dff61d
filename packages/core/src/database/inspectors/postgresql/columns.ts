import { type TableId, tableId } from '../../../schema/catalog-data.ts'
import type { Connection } from '../../../schema/connection.ts'
import { flagOf, optionalTextOf, textOf } from '../../../schema/readers/row-values.ts'
import type { ColumnSnapshot } from '../database-snapshot.ts'
import type { Gaps } from '../gaps.ts'
import { OF_USERS } from './catalog-sql.ts'

type ColumnDetails = Pick<ColumnSnapshot, 'databaseType' | 'collation' | 'isGenerated'>

/** Generated columns came with PostgreSQL 12. */
const COLUMNS = `
  SELECT n.nspname::text AS "schema", c.relname::text AS "table", a.attname::text AS "column",
    pg_catalog.format_type(a.atttypid, a.atttypmod)::text AS "type",
    CASE WHEN l.collname <> 'default' THEN l.collname::text END AS "collation",
    COALESCE(pg_catalog.to_jsonb(a) ->> 'attgenerated', '') <> '' AS "is_generated"
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped AND ${OF_USERS}`

export async function readColumnDetails(
  connection: Connection,
  gaps: Gaps,
): Promise<ReadonlyMap<TableId, ReadonlyMap<string, ColumnDetails>>> {
  return gaps.read('types of columns', 'Without them, casts cannot be judged.', new Map(), async () => {
    const tables = new Map<TableId, Map<string, ColumnDetails>>()
    for (const row of await connection.query(COLUMNS)) {
      const id = tableId('postgresql', textOf(row, 'schema'), textOf(row, 'table'), 'public')
      const columns = tables.get(id) ?? new Map<string, ColumnDetails>()
      tables.set(id, columns)
      const collation = optionalTextOf(row, 'collation')
      columns.set(textOf(row, 'column'), {
        databaseType: textOf(row, 'type'),
        ...(collation === undefined ? {} : { collation }),
        ...(flagOf(row, 'is_generated') ? { isGenerated: true } : {}),
      })
    }
    return tables
  })
}
