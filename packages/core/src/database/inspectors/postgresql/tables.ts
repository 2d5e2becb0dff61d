import { type TableId, tableId } from '../../../schema/catalog-data.ts'
import type { Connection } from '../../../schema/connection.ts'
import { flagOf, optionalTextOf, type Row, textOf } from '../../../schema/readers/row-values.ts'
import type { ColumnSnapshot, TableSnapshot } from '../database-snapshot.ts'
import type { Gaps } from '../gaps.ts'
import { numberOf } from '../row-values.ts'

/** Relations of users, of `pg_class c` and its `pg_namespace n`; not what belongs to an extension. */
export const OF_USERS = `n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend x
      WHERE x.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND x.objid = c.oid AND x.deptype = 'e')`

export interface TableDetails {
  readonly kind: TableSnapshot['kind']
  readonly parent: TableId | undefined
  readonly partitionKey: string | undefined
  readonly partitionBound: string | undefined
  readonly rows: number
  /** Whether the number of rows is estimated from pages and column types, because it was never analyzed. */
  readonly isGuess: boolean
  readonly bytes: number
  readonly indexBytes: number
  readonly pages: number | undefined
  readonly visiblePages: number | undefined
  readonly definition: string | undefined
  readonly isReadable: boolean
}

/**
 * Number of rows as in the planner: the number at the last ANALYZE or VACUUM, scaled by the current number of
 * pages. Without one, it is estimated from the width of the columns: 24 bytes of a page and 28 of a row are
 * the server's overhead, and the planner assumes 32 for a string.
 */
const TABLES = `
  SELECT c.oid::text AS "oid", n.nspname::text AS "schema", c.relname::text AS "table", c.relkind::text AS "kind", c.relispartition AS "is_partition",
    p.nspname::text AS "parent_schema", p.relname::text AS "parent_table",
    c.reltuples::float8 AS "tuples", c.relpages::float8 AS "pages", c.relallvisible::float8 AS "visible_pages",
    s.bytes / pg_catalog.current_setting('block_size')::float8 AS "pages_now",
    (pg_catalog.current_setting('block_size')::float8 - 24) / (28 + w.width) AS "rows_of_page",
    CASE WHEN c.relkind IN ('r', 'm', 'p') THEN pg_catalog.pg_table_size(c.oid)::float8 END AS "bytes",
    CASE WHEN c.relkind IN ('r', 'm', 'p') THEN pg_catalog.pg_indexes_size(c.oid)::float8 END AS "index_bytes",
    CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END AS "definition",
    CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END AS "partition_key",
    CASE WHEN c.relispartition THEN pg_catalog.pg_get_expr(c.relpartbound, c.oid) END AS "partition_bound",
    pg_catalog.has_table_privilege(c.oid, 'SELECT') AS "is_readable"
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN LATERAL (
    SELECT pn.nspname, pc.relname FROM pg_catalog.pg_inherits i
    JOIN pg_catalog.pg_class pc ON pc.oid = i.inhparent JOIN pg_catalog.pg_namespace pn ON pn.oid = pc.relnamespace
    WHERE c.relispartition AND i.inhrelid = c.oid LIMIT 1
  ) p ON true
  CROSS JOIN LATERAL (SELECT CASE WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_relation_size(c.oid)::float8 END AS bytes) s
  CROSS JOIN LATERAL (
    SELECT COALESCE(SUM(CASE WHEN a.attlen > 0 THEN a.attlen ELSE 32 END), 0)::float8 AS width
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  ) w
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ${OF_USERS}`

const KINDS: Readonly<Record<string, TableSnapshot['kind']>> = {
  r: 'table',
  p: 'partitioned',
  v: 'view',
  m: 'materialized-view',
  f: 'foreign',
}

export async function readTableDetails(
  connection: Connection,
  gaps: Gaps,
): Promise<ReadonlyMap<TableId, TableDetails>> {
  return gaps.read(
    'sizes and row counts',
    'Without them, the sizes of tables are unknown.',
    new Map(),
    async () => {
      const rows = await connection.query(TABLES)
      return new Map(rows.map((row) => [idOf(row, 'schema', 'table') ?? '', detailsOf(row)]))
    },
  )
}

function idOf(row: Row, schema: string, table: string): TableId | undefined {
  const name = optionalTextOf(row, table)
  return name === undefined ? undefined : tableId('postgresql', textOf(row, schema), name, 'public')
}

function detailsOf(row: Row): TableDetails {
  const kind = KINDS[textOf(row, 'kind')] ?? 'table'
  const hasPages = kind === 'table' || kind === 'materialized-view'
  return {
    kind: flagOf(row, 'is_partition') && kind !== 'foreign' ? 'partition' : kind,
    parent: idOf(row, 'parent_schema', 'parent_table'),
    partitionKey: optionalTextOf(row, 'partition_key'),
    partitionBound: optionalTextOf(row, 'partition_bound'),
    ...(kind === 'partitioned' ? { rows: 0, isGuess: false } : rowsOf(row, hasPages)),
    bytes: numberOf(row, 'bytes') ?? -1,
    indexBytes: numberOf(row, 'index_bytes') ?? -1,
    pages: hasPages ? numberOf(row, 'pages_now') : undefined,
    visiblePages: hasPages ? numberOf(row, 'visible_pages') : undefined,
    definition: optionalTextOf(row, 'definition')?.trim().replace(/;$/, ''),
    isReadable: flagOf(row, 'is_readable'),
  }
}

function rowsOf(row: Row, hasPages: boolean): { readonly rows: number; readonly isGuess: boolean } {
  const tuples = numberOf(row, 'tuples') ?? -1
  const pages = numberOf(row, 'pages') ?? 0
  const now = numberOf(row, 'pages_now') ?? 0
  if (!hasPages) return { rows: tuples > 0 ? tuples : -1, isGuess: false }
  if (now === 0) return { rows: 0, isGuess: false }
  // Before PostgreSQL 14, 0 of 0 pages meant that it was never analyzed.
  if (tuples >= 0 && pages > 0) return { rows: Math.round((tuples / pages) * now), isGuess: false }
  return { rows: Math.round(now * (numberOf(row, 'rows_of_page') ?? 1)), isGuess: true }
}

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
  return gaps.read('types of columns', 'Without them, casts are not checked.', new Map(), async () => {
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
