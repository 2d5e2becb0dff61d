import type { Dialect } from '../sql/dialect.ts'
import type { TableInfo } from './catalog-data.ts'

/** Number of buckets to which the rows of a table are assigned. */
const BUCKETS = 16_384

/**
 * The bucket of a row: rows of one bucket count as one, so a table has few tags regardless of its number of
 * rows.
 *
 * @param key - The primary key's values in the order of the table's `primaryKey`, each in canonical form: an
 * integer in decimal without sign `+` or leading zeros, or a UUID in lower case with hyphens. The same row
 * must produce the same strings in every caller.
 * @returns A whole number from 0 to 16,383: FNV-1a over the strings.
 */
export function rowBucket(key: readonly string[]): number {
  let hash = 0x811c9dc5
  for (const text of key) {
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
    hash = Math.imul(hash ^ 0x1f, 0x01000193)
  }
  return (hash >>> 0) % BUCKETS
}

/** Maximum number of rows that a write can list individually; more count as any row. */
export const MAX_WRITTEN_ROWS = 64
/** Maximum number of rows that a read can list individually; more count as any row. */
export const MAX_READ_ROWS = 15

/** Types of primary key columns whose values have exactly one canonical form. */
type RowKeyType = 'integer' | 'uuid'

/** The columns that distinguish the rows of a table. */
export interface RowKey {
  readonly dialect: Dialect
  /** The primary key's columns, in order. */
  readonly columns: readonly string[]
  readonly types: readonly RowKeyType[]
}

/** Some rows of a table, identified by their primary keys. */
export interface KeyedRows {
  /** The `rowBucket` of each row; a bucket can occur twice. */
  readonly buckets: readonly number[]
  /** Number of different rows. */
  readonly count: number
}

const NO_VALUES: readonly unknown[] = []
const INTEGER = /^(?:0|-?[1-9]\d*)$/
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/**
 * Integers with up to this many digits are exact as a double, regardless of other characters in the string.
 */
const MAX_EXACT_LENGTH = 15

/**
 * A table's key, if it distinguishes rows; `undefined` if one row can have several string representations (a
 * collation decides which strings are equal), and if only a schema file specifies the order of several key
 * columns.
 */
export function rowKeyOf({ primaryKey, columns, declared }: TableInfo, dialect: Dialect): RowKey | undefined {
  if (primaryKey.length === 0 || (declared === true && primaryKey.length > 1)) return undefined
  const types: RowKeyType[] = []
  for (const name of primaryKey) {
    const type = columns.find((column) => column.name === name)?.type
    if (type !== 'integer' && type !== 'uuid') return undefined
    types.push(type)
  }
  return { dialect, columns: primaryKey, types }
}

export function isSameKey(left: RowKey, right: RowKey): boolean {
  const { columns, types } = right
  return (
    left.columns.length === columns.length &&
    left.columns.every((name, at) => name === columns[at] && left.types[at] === types[at])
  )
}

/**
 * The canonical string of a key's value, equal for all values that a comparison with the column considers
 * equal; `undefined` for values that may equal others, or that may not be valid for the column.
 */
export function keyTextOf(
  value: unknown,
  type: RowKeyType | undefined,
  dialect: Dialect,
): string | undefined {
  if (type === 'uuid') return typeof value === 'string' && UUID.test(value) ? value : undefined
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined
  const text = typeof value === 'bigint' ? String(value) : value
  if (typeof text !== 'string' || !INTEGER.test(text)) return undefined
  return text.length <= MAX_EXACT_LENGTH || isExact(text, dialect) ? text : undefined
}

/**
 * MySQL compares integers with strings as doubles, which makes several values equal; no database has columns
 * of more than 64 bits.
 */
function isExact(text: string, dialect: Dialect): boolean {
  if (dialect === 'mysql') return Number.isSafeInteger(Number(text))
  return text.length <= 20 && String(BigInt.asIntN(64, BigInt(text))) === text
}

/**
 * The rows in which each key column has one of some values. Only a key with one column can have several
 * values.
 *
 * @param values - By the key's columns, in order.
 * @param most - Maximum number of rows that are distinguished.
 * @returns `undefined` if the rows cannot be identified.
 */
export function keyedRows(
  { dialect, types }: RowKey,
  values: readonly (readonly unknown[])[],
  most: number,
): KeyedRows | undefined {
  const [first = NO_VALUES] = values
  if (values.length === 1 && first.length !== 1) return severalRows(first, types[0], dialect, most)
  const texts: string[] = []
  for (let at = 0; at < values.length; at++) {
    const options = values[at] ?? NO_VALUES
    const text = options.length === 1 ? keyTextOf(options[0], types[at], dialect) : undefined
    if (text === undefined) return undefined
    texts.push(text)
  }
  return { buckets: [rowBucket(texts)], count: 1 }
}

function severalRows(
  values: readonly unknown[],
  type: RowKeyType | undefined,
  dialect: Dialect,
  most: number,
): KeyedRows | undefined {
  // Iterating over a longer list would be wasted work.
  if (values.length > most) return undefined
  const texts = new Set<string>()
  for (const value of values) {
    const text = keyTextOf(value, type, dialect)
    if (text === undefined) return undefined
    texts.add(text)
  }
  return { buckets: Array.from(texts, (text) => rowBucket([text])), count: texts.size }
}
