import type { Connection } from '../../../schema/connection.ts'
import { type Dialect, quoteName } from '../../../sql/dialect.ts'
import { type IndexDefinition, type IndexKey, plainSql } from '../../index-definition.ts'
import type { NamedTable } from '../database-facts.ts'

/** An index, as it currently exists in the database. */
export interface LiveIndex {
  readonly name: string
  readonly method: string
  readonly isUnique: boolean
  /** An index that is being built, or whose build failed, does not serve reads. */
  readonly isValid: boolean
  /** Whether it is being built. */
  readonly isInProgress: boolean
  /** Whether a key or a constraint needs it. */
  readonly isConstraint: boolean
  readonly keys: readonly IndexKey[]
  readonly where?: string
  readonly include?: readonly string[]
}

/**
 * Whether an index does what the other would: its first keys are all of the other's, of the same kind, in the
 * same order or the opposite.
 */
export function isCoveredBy(expected: IndexDefinition, live: LiveIndex): boolean {
  if (
    !live.isValid ||
    live.method !== expected.method ||
    !isSameText(live.where, expected.where) ||
    !carries(expected, live)
  )
    return false
  if (expected.method === 'fulltext')
    return live.keys.length === expected.keys.length && hasKeys(expected, live)
  if (expected.isUnique)
    return live.isUnique && live.keys.length === expected.keys.length && hasKeys(expected, live)
  return live.keys.length >= expected.keys.length && hasKeys(expected, live)
}

/** Whether an index is the very one that is described. */
export function isSameIndex(described: IndexDefinition, live: LiveIndex): boolean {
  return (
    live.method === described.method &&
    live.isUnique === described.isUnique &&
    live.keys.length === described.keys.length &&
    (live.where === undefined) === (described.where === undefined) &&
    described.keys.every((key, at) => isSameKey(key, live.keys[at], false))
  )
}

function carries({ include = [] }: IndexDefinition, live: LiveIndex): boolean {
  const columns = new Set([...(live.include ?? []), ...live.keys.map(({ column }) => column)])
  return include.every((column) => columns.has(column))
}

function hasKeys({ keys }: IndexDefinition, live: LiveIndex): boolean {
  const pairs = keys.map((key, at) => [key, live.keys[at]] as const)
  return (
    pairs.every(([key, other]) => isSameKey(key, other, false)) ||
    pairs.every(([key, other]) => isSameKey(key, other, true))
  )
}

function isSameKey(expected: IndexKey, live: IndexKey | undefined, isBackwards: boolean): boolean {
  return (
    live !== undefined &&
    expected.column.toLowerCase() === live.column.toLowerCase() &&
    isSameText(expected.expression, live.expression) &&
    expected.operatorClass === live.operatorClass &&
    expected.prefixLength === live.prefixLength &&
    (expected.collation ?? '').toUpperCase() === (live.collation ?? '').toUpperCase() &&
    (expected.nulls === live.nulls || isBackwards) &&
    ((expected.isDescending ?? false) !== (live.isDescending ?? false)) === isBackwards
  )
}

/**
 * In a condition, a value has the type that it is compared with, regardless of the database's notation:
 * `'open'::order_status`. Values without a type match too, so that none is scanned twice.
 */
const VALUE_TYPE =
  /('(?:[^']|'')*'?|\(\d[\d.]*\)|\b\d[\d.]*)(?:::(?:"[^"]+"|[\w.]+)(?: varying| precision| with(?:out)? time zone)?(?:\(\d+\))?(?:\[\])?)?/gi

function isSameText(left: string | undefined, right: string | undefined): boolean {
  return plainSql(left?.replace(VALUE_TYPE, '$1')) === plainSql(right?.replace(VALUE_TYPE, '$1'))
}

type Row = Readonly<Record<string, unknown>>

/** The current columns and indexes of a table. `undefined`: the table does not exist. */
export interface LiveTable {
  readonly columns: readonly string[]
  readonly indexes: readonly LiveIndex[]
}

/** Reads what there is of a table by now, in as few statements as the database needs. */
export async function readLiveTable(session: Connection, table: NamedTable): Promise<LiveTable | undefined> {
  const { columns, indexes } = readers[session.dialect]
  const names = (await session.query(...columns(table))).map((row) => String(row.name))
  return names.length === 0 ? undefined : { columns: names, indexes: await indexes(session, table) }
}

interface Reader {
  columns(table: NamedTable): [sql: string, params: readonly unknown[]]
  indexes(session: Connection, table: NamedTable): Promise<LiveIndex[]>
}

const POSTGRESQL_INDEXES = `SELECT ic.relname AS name, am.amname AS method, i.indisunique AS is_unique, i.indisvalid AS is_valid,
  EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid) AS is_in_progress,
  EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) AS is_constraint,
  pg_get_expr(i.indpred, i.indrelid) AS condition, a.attname AS column_name,
  CASE WHEN a.attname IS NULL THEN pg_get_indexdef(i.indexrelid, at.at::integer, true) END AS expression,
  CASE WHEN am.amname = 'btree' THEN i.indoption[at.at - 1] ELSE 0 END AS options,
  CASE WHEN oc.opcdefault THEN NULL ELSE oc.opcname END AS operator_class,
  ARRAY(SELECT c.attname::text FROM generate_series(i.indnkeyatts + 1, i.indnatts) AS k(at)
    JOIN pg_attribute c ON c.attrelid = i.indrelid AND c.attnum = i.indkey[k.at - 1]) AS include
FROM pg_index i
JOIN pg_class ic ON ic.oid = i.indexrelid
JOIN pg_am am ON am.oid = ic.relam
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
CROSS JOIN generate_series(1, i.indnkeyatts) AS at(at)
LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[at.at - 1] AND a.attnum <> 0
LEFT JOIN pg_opclass oc ON oc.oid = i.indclass[at.at - 1]
WHERE n.nspname = $1 AND t.relname = $2
ORDER BY ic.relname, at.at`

const postgresql: Reader = {
  columns: ({ schema, name }) => [
    `SELECT a.attname AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped`,
    [schema, name],
  ],
  async indexes(session, { schema, name }) {
    return grouped(await session.query(POSTGRESQL_INDEXES, [schema, name]), (rows, first) => ({
      method: String(first.method),
      isUnique: first.is_unique === true,
      isValid: first.is_valid === true,
      isInProgress: first.is_in_progress === true,
      isConstraint: first.is_constraint === true,
      ...(first.condition === null ? {} : { where: String(first.condition) }),
      ...(Array.isArray(first.include) ? { include: first.include.map(String) } : {}),
      keys: rows.map(postgresqlKey),
    }))
  },
}

function postgresqlKey({
  column_name: column,
  expression,
  options,
  operator_class: operatorClass,
}: Row): IndexKey {
  const isDescending = (Number(options) & 1) === 1
  const isNullsFirst = (Number(options) & 2) === 2
  return {
    // An index on an expression is known by the expression: which column is in it does not matter.
    ...(column === null
      ? { column: String(expression), expression: String(expression) }
      : { column: String(column) }),
    ...(isDescending ? { isDescending } : {}),
    ...(isNullsFirst === isDescending ? {} : { nulls: isNullsFirst ? 'first' : 'last' }),
    ...(operatorClass === null ? {} : { operatorClass: String(operatorClass) }),
  }
}

const mysql: Reader = {
  columns: ({ schema, name }) => [
    'SELECT column_name AS name FROM information_schema.columns WHERE table_schema = ? AND table_name = ?',
    [schema, name],
  ],
  async indexes(session, { schema, name }) {
    const rows = await session.query(
      `SELECT index_name AS name, index_type AS method, non_unique AS non_unique, column_name AS column_name,
         collation AS direction, sub_part AS prefix_length
       FROM information_schema.statistics WHERE table_schema = ? AND table_name = ? ORDER BY index_name, seq_in_index`,
      [schema, name],
    )
    return grouped(rows, (keys, first) => ({
      method: String(first.method).toLowerCase(),
      isUnique: Number(first.non_unique) === 0,
      isValid: true,
      isInProgress: false,
      isConstraint: first.name === 'PRIMARY',
      keys: keys.map(({ column_name: column, direction, prefix_length: prefixLength }) => ({
        ...(column === null ? { column: '', expression: '' } : { column: String(column) }),
        ...(direction === 'D' ? { isDescending: true } : {}),
        ...(prefixLength === null ? {} : { prefixLength: Number(prefixLength) }),
      })),
    }))
  },
}

const sqlite: Reader = {
  columns: ({ schema, name }) => ['SELECT name FROM pragma_table_info(?, ?)', [name, schema]],
  async indexes(session, { schema, name }) {
    const rows = await session.query(
      `SELECT l.name AS name, l."unique" AS is_unique, l.origin AS origin, l.partial AS is_partial, x.name AS column_name,
         x."desc" AS is_descending, x.coll AS collation, s.sql AS sql
       FROM pragma_index_list(?, ?) l JOIN pragma_index_xinfo(l.name, ?) x LEFT JOIN ${quoteName(schema, 'sqlite')}.sqlite_schema s ON s.type = 'index' AND s.name = l.name
       WHERE x.key = 1 ORDER BY l.name, x.seqno`,
      [name, schema, schema],
    )
    return grouped(rows, (keys, first) => ({
      method: 'btree',
      isUnique: Number(first.is_unique) === 1,
      isValid: true,
      isInProgress: false,
      isConstraint: first.origin !== 'c',
      ...(Number(first.is_partial) === 1 ? { where: conditionIn(String(first.sql)) } : {}),
      keys: keys.map(({ column_name: column, is_descending: isDescending, collation }) => ({
        ...(column === null ? { column: '', expression: String(first.sql) } : { column: String(column) }),
        ...(Number(isDescending) === 1 ? { isDescending: true } : {}),
        ...(collation === 'BINARY' ? {} : { collation: String(collation) }),
      })),
    }))
  },
}

function conditionIn(sql: string): string {
  const at = sql.search(/\bWHERE\b/i)
  return at < 0 ? '' : sql.slice(at + 'WHERE'.length)
}

const readers: Readonly<Record<Dialect, Reader>> = { postgresql, mysql, sqlite }

/** One index of the rows of its keys, which come in order. */
function grouped(
  rows: readonly Row[],
  read: (keys: readonly Row[], first: Row) => Omit<LiveIndex, 'name'>,
): LiveIndex[] {
  const names = [...new Set(rows.map(({ name }) => name))]
  return names.flatMap((name) => {
    const keys = rows.filter((row) => row.name === name)
    const [first] = keys
    return first === undefined ? [] : [{ name: String(name), ...read(keys, first) }]
  })
}
