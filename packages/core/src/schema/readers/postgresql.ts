import type { CatalogData, ReferentialAction } from '../catalog-data.ts'
import type { Connection } from '../connection.ts'
import {
  assembleCatalog,
  type ColumnEntry,
  columnTypes,
  foreignKeyEntry,
  type KeyEntry,
  nameOf,
  type TableEntry,
} from './assemble.ts'
import { type PostgresFunctions, readPostgresFunctions, tableName } from './postgresql-functions.ts'
import { HAS_OTHER_TRIGGERS, IS_OF_EXTENSION, ROW_TRIGGERS, rowChangeOf } from './postgresql-triggers.ts'
import { flagOf, optionalTextOf, type Row, textOf } from './row-values.ts'

const USER_SCHEMAS = `n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'`

/**
 * A table is a base table only if its rows belong to it alone and are the same for every session. It must
 * have no row-level security, and no parents or children (a write to one of them is a write to the others).
 */
const TABLES = `
  SELECT n.nspname::text AS "schema", c.relname::text AS "table",
    c.relkind = 'r' AND NOT c.relrowsecurity AND NOT c.relispartition
      AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid)
      AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_inherits h WHERE c.oid IN (h.inhrelid, h.inhparent)) AS "is_base",
    ${HAS_OTHER_TRIGGERS} OR ${IS_OF_EXTENSION} AS "has_triggers",
    ${ROW_TRIGGERS} AS "row_triggers",
    pg_catalog.current_schema()::text AS "default_schema",
    pg_catalog.current_setting('default_transaction_isolation')::text AS "isolation"
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ${USER_SCHEMAS}
  UNION ALL
  SELECT NULL, NULL, NULL, NULL, NULL, pg_catalog.current_schema()::text,
    pg_catalog.current_setting('default_transaction_isolation')::text
  ORDER BY 1, 2`

/** The column that distinguishes deterministic collations exists since PostgreSQL 12. */
const COLUMNS = `
  SELECT n.nspname::text AS "schema", c.relname::text AS "table", a.attname::text AS "column", NOT a.attnotnull AS "nullable",
    COALESCE(b.typname, t.typname)::text AS "type", COALESCE(b.typtype, t.typtype)::text AS "type_kind", s.nspname::text AS "type_schema",
    COALESCE(pg_catalog.to_jsonb(l) ->> 'collisdeterministic', 'true') = 'true' AS "deterministic",
    CASE WHEN t.oid >= 16384 THEN t.oid::text END AS "own_type"
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
  JOIN pg_catalog.pg_namespace s ON s.oid = COALESCE(b.typnamespace, t.typnamespace)
  LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped AND ${USER_SCHEMAS}
  ORDER BY c.oid, a.attnum`

/**
 * A deferrable key can be violated until the transaction ends. A deferrable primary key is still the primary
 * key.
 */
const KEYS = `
  SELECT n.nspname::text AS "schema", c.relname::text AS "table", i.indexrelid::text AS "key", i.indisprimary AS "primary",
    a.attname::text AS "column"
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
  WHERE i.indisunique AND i.indisvalid AND (i.indimmediate OR i.indisprimary) AND i.indpred IS NULL AND i.indexprs IS NULL
    AND k.position <= i.indnkeyatts AND ${USER_SCHEMAS}
  ORDER BY i.indexrelid, k.position`

const FOREIGN_KEYS = `
  SELECT n.nspname::text AS "schema", c.relname::text AS "table", f.oid::text AS "key", a.attname::text AS "column",
    rn.nspname::text AS "referenced_schema", rc.relname::text AS "referenced_table", ra.attname::text AS "referenced_column",
    f.confdeltype::text AS "on_delete", f.confupdtype::text AS "on_update"
  FROM pg_catalog.pg_constraint f
  JOIN pg_catalog.pg_class c ON c.oid = f.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class rc ON rc.oid = f.confrelid
  JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace
  CROSS JOIN LATERAL unnest(f.conkey, f.confkey) WITH ORDINALITY AS k (attnum, referenced_attnum, position)
  JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum
  JOIN pg_catalog.pg_attribute ra ON ra.attrelid = f.confrelid AND ra.attnum = k.referenced_attnum
  WHERE f.contype = 'f' AND ${USER_SCHEMAS}
  ORDER BY f.oid, k.position`

/** Reads all user-defined schemas. Requires PostgreSQL 11. */
export async function readPostgresql(connection: Connection): Promise<CatalogData> {
  const tableRows = await connection.query(TABLES)
  const columnRows = await connection.query(COLUMNS)
  const keyRows = await connection.query(KEYS)
  const foreignKeyRows = await connection.query(FOREIGN_KEYS)
  const found = await readPostgresFunctions(connection)
  const [first] = tableRows
  const data = assembleCatalog({
    dialect: 'postgresql',
    defaultSchema: (first === undefined ? undefined : optionalTextOf(first, 'default_schema')) ?? 'public',
    tables: tableRows.filter((row) => row.table !== null).map((row) => tableEntry(row, found)),
    columns: columnRows.map(columnEntry),
    keys: keyRows.map(
      (row): KeyEntry => ({
        ...nameOf(row),
        key: textOf(row, 'key'),
        primary: flagOf(row, 'primary'),
        column: textOf(row, 'column'),
      }),
    ),
    foreignKeys: foreignKeyRows.map((row) => foreignKeyEntry(row, (code) => actions[code] ?? 'Cascade')),
  })
  const ownTypes = new Set(columnRows.flatMap((row) => optionalTextOf(row, 'own_type') ?? []))
  return {
    ...data,
    functions: found.functions,
    readsCommitted: first !== undefined && textOf(first, 'isolation') === 'read committed',
    ownTypes: [...ownTypes].map(Number).sort((left, right) => left - right),
  }
}

function tableEntry(row: Row, { byId, ofTables, dependent, whenRead }: PostgresFunctions): TableEntry {
  const name = tableName(row)
  const unseen = ofTables.get(name)
  const read = whenRead.get(name)
  const hasTriggers = flagOf(row, 'has_triggers') || unseen !== undefined
  const update = hasTriggers ? undefined : rowChangeOf(optionalTextOf(row, 'row_triggers'), byId)
  return {
    ...nameOf(row),
    kind: flagOf(row, 'is_base') && !dependent.has(name) ? 'table' : 'view',
    hasTriggers,
    ...(update && { triggered: { update } }),
    // A policy also applies to writes.
    hasDefiningTriggers: unseen === 'defines' || read === 'defines',
    whenRead: read,
  }
}

function columnEntry(row: Row): ColumnEntry {
  const [schema, name] = [textOf(row, 'type_schema'), textOf(row, 'type')]
  const isEnum = textOf(row, 'type_kind') === 'e'
  const known = isEnum ? 'text' : ((schema === 'pg_catalog' ? types[name] : undefined) ?? 'other')
  const type = known === 'text' && !flagOf(row, 'deterministic') ? 'collated' : known
  const isDate = type === 'datetime' && name === 'date'
  const exactType = isEnum ? { exactType: `${schema}.${name}` } : isDate ? { exactType: name } : {}
  const column = { name: textOf(row, 'column'), type, ...exactType, nullable: flagOf(row, 'nullable') }
  return { ...nameOf(row), column }
}

const actions: Readonly<Record<string, ReferentialAction>> = {
  a: 'NoAction',
  r: 'Restrict',
  c: 'Cascade',
  n: 'SetNull',
  d: 'SetDefault',
}

/**
 * `char(n)`, `citext`, `name` and `oid` are `other`: they can compare equal although the written values
 * differ (`name` truncates strings, and -1 is an `oid`).
 */
const types = columnTypes({
  integer: 'int2 int4 int8',
  decimal: 'numeric',
  float: 'float4 float8',
  text: 'text varchar',
  uuid: 'uuid',
  boolean: 'bool',
  datetime: 'date timestamp timestamptz',
  bytes: 'bytea',
  json: 'json jsonb',
})
