import type { Dialect } from '../../sql/dialect.ts'
import type { ColumnTerm } from '../../sql/tree/query-tree.ts'
import type { ColumnSnapshot, DatabaseSnapshot } from '../inspectors/database-snapshot.ts'

const synonyms: Readonly<Record<string, string>> = {
  int: 'integer',
  int4: 'integer',
  int8: 'bigint',
  int2: 'smallint',
  bool: 'boolean',
  float8: 'double precision',
  float4: 'real',
  decimal: 'numeric',
  varchar: 'character varying',
  char: 'character',
  bpchar: 'character',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
  timetz: 'time with time zone',
  time: 'time without time zone',
}

/**
 * Whether an index on a plain column serves a term: the expression around the column changes neither its type
 * nor its order.
 */
export function servesPlainIndex(
  { cast, collation }: ColumnTerm,
  column: ColumnSnapshot,
  dialect: Dialect,
): boolean {
  return (
    (cast === undefined || (dialect === 'postgresql' && isOwnType(cast, column.databaseType))) &&
    isOwnCollation(collation, column, dialect)
  )
}

/**
 * The collation of a term, if it is not the column's own and an index can be created with it. MySQL's indexes
 * have the collations of their columns.
 */
export function otherCollation(
  { cast, call, collation }: ColumnTerm,
  column: ColumnSnapshot,
  dialect: Dialect,
): string | undefined {
  if (collation === undefined || dialect === 'mysql' || cast !== undefined || call !== undefined)
    return undefined
  if (isOwnCollation(collation, column, dialect)) return undefined
  return dialect === 'sqlite' ? collation.toUpperCase() : collation
}

/** A cast that PostgreSQL omits: to the same type, and between string types without a length. */
function isOwnType(cast: string, own: string): boolean {
  const [to, from] = [normal(cast), normal(own)]
  if (to === from) return true
  const isText = (type: string) => type === 'text' || type.startsWith('character varying')
  return (to === 'text' || to === 'character varying') && isText(from)
}

function normal(type: string): string {
  const text = type
    .toLowerCase()
    .replace(/^pg_catalog\./, '')
    .replace(/\s+/g, ' ')
    .replace(/, /g, ',')
    .trim()
  const [, name = text, rest = ''] = /^([a-z_0-9]+)((?:\([\d,]+\))?(?:\[\])*)$/.exec(text) ?? []
  return `${synonyms[name] ?? name}${rest}`
}

function isOwnCollation(collation: string | undefined, column: ColumnSnapshot, dialect: Dialect): boolean {
  if (collation === undefined) return true
  const own = column.collation ?? (dialect === 'sqlite' ? 'BINARY' : undefined)
  return (
    own !== undefined &&
    (dialect === 'postgresql' ? own === collation : own.toLowerCase() === collation.toLowerCase())
  )
}

/** Whether a column's strings are in byte order (PostgreSQL): an index then also serves prefixes. */
export function isBytewise(
  { collation }: Pick<ColumnSnapshot, 'collation'>,
  { settings }: Pick<DatabaseSnapshot, 'settings'>,
): boolean {
  if (collation === undefined && settings.locale_provider === 'builtin') return true
  const locale = collation ?? settings.locale ?? settings.lc_collate
  return locale === 'C' || locale === 'POSIX' || locale === 'ucs_basic' || locale === 'pg_c_utf8'
}
