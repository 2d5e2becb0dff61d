import { isCanonicalInteger } from '../pipeline/key-text.ts'
import type { ColumnType } from '../schema/catalog-data.ts'
import type { ReasonCode } from '../shared/reasons.ts'
import type { Dialect } from '../sql/dialect.ts'

/** Types of columns whose values a database treats as equal only if they have the same written form. */
const KEY_TYPES: ReadonlySet<ColumnType | undefined> = new Set<ColumnType | undefined>([
  'integer',
  'text',
  'uuid',
  undefined,
])
const DATE = /^\d{4}-\d{2}-\d{2}$/
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Every numeric column stores these numbers exactly, including single-precision columns. */
const MAX_OF_ANY = 2 ** 24

/** Whether lookups can be distinguished by a column of a type; `undefined` for an unknown type. */
export function isKeyType(type: ColumnType | undefined): boolean {
  return KEY_TYPES.has(type)
}

/**
 * Returns the reason why a value of a key is not batched with others: the result would not show for certain
 * which of them requested it. A database treats `'07'` as 7, and returns 7.
 */
export function refuseKeyValue(
  value: unknown,
  type: ColumnType | undefined,
  dialect: Dialect,
): ReasonCode | undefined {
  if (type === undefined) return isOfAnyColumn(value, dialect) ? undefined : 'UNKNOWN_COLUMN'
  if (typeof value === 'string') {
    return type === 'text' || isAsWritten(value, type, dialect) ? undefined : 'NON_CANONICAL_KEY'
  }
  // MySQL compares a string with a number by its value, and SQLite compares a string differently with 7 and
  // with 7n.
  const isCompared = type === 'integer' || (type === 'text' && dialect === 'postgresql')
  return isCompared && isExact(Number(value), dialect) ? undefined : 'UNSUPPORTED_KEY_TYPE'
}

/** Whether the database writes a value like this. A value that it rejects is not. */
function isAsWritten(value: string, type: ColumnType, dialect: Dialect): boolean {
  if (type === 'uuid') return UUID.test(value)
  if (type === 'datetime') return DATE.test(value) && isDay(value)
  return isCanonicalInteger(value) && isExact(Number(value), dialect)
}

function isDay(value: string): boolean {
  const date = new Date(`${value}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value) && !value.startsWith('0000')
}

/** Only PostgreSQL and its driver preserve large integers exactly in all cases. */
function isExact(value: number, dialect: Dialect): boolean {
  return dialect === 'postgresql' || Number.isSafeInteger(value)
}

/** MySQL has columns in which one number represents another: years, and the positions of an enum's values. */
function isOfAnyColumn(value: unknown, dialect: Dialect): boolean {
  return dialect !== 'mysql' && typeof value === 'number' && value >= 0 && value <= MAX_OF_ANY
}
