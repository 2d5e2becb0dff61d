import type { TableId } from '../schema/catalog-data.ts'
import { type Dialect, quoteName } from '../sql/dialect.ts'

/** One key of an index. */
export interface IndexKey {
  /** The column; of an expression the one within it. */
  readonly column: string
  /**
   * `lower(column)`: the expression, with the column in the database's notation. Omitted for a plain column.
   */
  readonly expression?: string
  readonly isDescending?: boolean
  /** Where it is not the database's default for the direction (PostgreSQL). */
  readonly nulls?: 'first' | 'last'
  /** PostgreSQL: `text_pattern_ops`, `gin_trgm_ops`, … */
  readonly operatorClass?: string
  /** SQLite: `NOCASE`. Default: the column's collation. */
  readonly collation?: string
  /** MySQL: number of indexed characters. */
  readonly prefixLength?: number
}

export type IndexMethod =
  | 'btree'
  | 'hash'
  | 'gin'
  | 'gist'
  | 'brin'
  | 'spgist'
  | 'fulltext'
  | 'spatial'
  | 'other'

/** An existing or hypothetical index. */
export interface IndexDefinition {
  readonly table: TableId
  readonly keys: readonly IndexKey[]
  readonly method: IndexMethod
  readonly isUnique: boolean
  /** Condition of a partial index, as SQL over the table's columns. */
  readonly where?: string
  /** Columns in addition to its keys (PostgreSQL). */
  readonly include?: readonly string[]
}

/** The definition of an index, without the other facts of an existing one: its name, its size, its usage. */
export function definitionOf({
  table,
  keys,
  method,
  isUnique,
  where,
  include,
}: IndexDefinition): IndexDefinition {
  return {
    table,
    keys,
    method,
    isUnique,
    ...(where === undefined ? {} : { where }),
    ...(include === undefined ? {} : { include }),
  }
}

/**
 * Tells an index from every other of its table: `public.city(region_id, name DESC) WHERE deleted_at IS NULL`.
 */
export function indexLabel({ table, keys, method, where, include }: IndexDefinition): string {
  const columns = keys.map((key) =>
    [
      key.expression ?? key.column,
      key.prefixLength === undefined ? '' : `(${key.prefixLength})`,
      key.collation === undefined ? '' : ` COLLATE ${key.collation}`,
      key.operatorClass === undefined ? '' : ` ${key.operatorClass}`,
      key.isDescending === true ? ' DESC' : '',
      key.nulls === undefined ? '' : ` NULLS ${key.nulls.toUpperCase()}`,
    ].join(''),
  )
  const using = method === 'btree' ? '' : ` USING ${method}`
  const carried = include === undefined || include.length === 0 ? '' : ` INCLUDE (${include.join(', ')})`
  return `${table}${using}(${columns.join(', ')})${carried}${where === undefined ? '' : ` WHERE ${where}`}`
}

/** One key of an index in the dialect's syntax. Omits properties that the dialect does not support. */
export function indexKeySql(key: IndexKey, dialect: Dialect): string {
  const { column, expression, prefixLength, collation, operatorClass, isDescending, nulls } = key
  const isPostgresql = dialect === 'postgresql'
  return [
    // Every expression can be in parentheses. Only a plain call can be without, and not in MySQL.
    expression === undefined ? quoteName(column, dialect) : `(${expression})`,
    dialect !== 'mysql' || prefixLength === undefined ? '' : `(${prefixLength})`,
    dialect === 'mysql' || collation === undefined ? '' : ` COLLATE ${quoteName(collation, dialect)}`,
    !isPostgresql || operatorClass === undefined
      ? ''
      : ` ${operatorClass.split('.').map(quotePlainly).join('.')}`,
    isDescending === true ? ' DESC' : '',
    !isPostgresql || nulls === undefined ? '' : ` NULLS ${nulls.toUpperCase()}`,
  ].join('')
}

/** The part of `CREATE INDEX` after the table: `USING gin ("a", "b") INCLUDE ("c") WHERE d IS NULL`. */
export function indexBodySql(
  { method, keys, include = [], where }: IndexDefinition,
  dialect: Dialect,
): string {
  const isPostgresql = dialect === 'postgresql'
  return [
    !isPostgresql || method === 'btree' ? '' : `USING ${method} `,
    `(${keys.map((key) => indexKeySql(key, dialect)).join(', ')})`,
    !isPostgresql || include.length === 0
      ? ''
      : ` INCLUDE (${include.map((column) => quoteName(column, dialect)).join(', ')})`,
    dialect === 'mysql' || where === undefined ? '' : ` WHERE ${where}`,
  ].join('')
}

const quotePlainly = (name: string) =>
  /^[a-z_][a-z0-9_]*$/.test(name) ? name : quoteName(name, 'postgresql')

/**
 * Length of the common prefix of two indexes' keys, in the same order or, because an index can be read
 * backwards, all in the opposite order.
 */
export function sharedKeys(keys: readonly IndexKey[], others: readonly IndexKey[]): number {
  return Math.max(count(keys, others), count(keys.map(turned), others))
}

function count(keys: readonly IndexKey[], others: readonly IndexKey[]): number {
  const different = keys.findIndex((key, at) => !isSameKey(key, others[at]))
  return different === -1 ? keys.length : different
}

function isSameKey(a: IndexKey, b: IndexKey | undefined): boolean {
  return (
    b !== undefined &&
    a.column === b.column &&
    plainSql(a.expression) === plainSql(b.expression) &&
    (a.isDescending ?? false) === (b.isDescending ?? false) &&
    a.nulls === b.nulls &&
    a.operatorClass === b.operatorClass &&
    a.collation?.toLowerCase() === b.collation?.toLowerCase() &&
    a.prefixLength === b.prefixLength
  )
}

/** Whether two keys compare a column in the same way, regardless of their directions. */
export function isSameColumn(a: IndexKey | undefined, b: IndexKey | undefined): boolean {
  if (a === undefined || b === undefined) return false
  const { isDescending: _, nulls: __, ...key } = a
  const { isDescending: ___, nulls: ____, ...other } = b
  return isSameKey(key, other)
}

/** A key as it is read from the end: what came first comes last. */
function turned({ nulls, ...key }: IndexKey): IndexKey {
  const isDescending = key.isDescending !== true
  return nulls === undefined
    ? { ...key, isDescending }
    : { ...key, isDescending, nulls: nulls === 'first' ? 'last' : 'first' }
}

/**
 * Normalizes an expression or a condition: removes what databases add or omit: `lower(name)`,
 * `(lower((name)::text))`, `LOWER( "name" )`. Strings, other casts, and parentheses around more than a name
 * remain, because a difference in them is a different expression.
 */
export function plainSql(expression: string | undefined): string | undefined {
  if (expression === undefined) return undefined
  const parts = expression.split(/('(?:[^']|'')*')/)
  let text = parts.map((part, at) => (at % 2 === 1 ? part : plainCode(part))).join('')
  while (isEnclosed(text)) text = text.slice(1, -1)
  return text
}

function plainCode(code: string): string {
  return code
    .toLowerCase()
    .replace(/["`]/g, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([^\w ]) ?/g, '$1')
    .replace(/::(text|character varying|varchar)\b(?!\()/g, '')
    .replace(/(?<!\w)\((\w+)\)/g, '$1')
}

/** Whether the parenthesis that is opened first is the one that is closed last. */
function isEnclosed(text: string): boolean {
  if (!text.startsWith('(')) return false
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1
    else if (text[at] === ')') depth -= 1
    if (depth === 0) return at === text.length - 1
  }
  return false
}
