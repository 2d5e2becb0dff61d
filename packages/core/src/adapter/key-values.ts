import { isCanonicalInteger } from '../pipeline/key-text.ts'
import type { ColumnType } from '../schema/catalog-data.ts'
import type { Dialect } from '../sql/dialect.ts'

/** Columns whose values a database takes for equal only if they are written alike. */
const KEY_TYPES: ReadonlySet<ColumnType | undefined> = new Set<ColumnType | undefined>(['integer', 'text', 'uuid', undefined])
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Whatever numbers a column holds, it holds these exactly, single-precision ones too. */
const MAX_OF_ANY = 2 ** 24

/** Whether lookups may be told apart by a column of a type; `undefined` for one that is not known. */
export function isKeyType(type: ColumnType | undefined): boolean {
  return KEY_TYPES.has(type)
}

/**
 * Why a value of a key is not asked for together with others: what comes back would not tell for certain which of them asked for it.
 * A database takes `'07'` for 7 and writes 7.
 */
export function refuseKeyValue(value: unknown, type: ColumnType | undefined, dialect: Dialect): string | undefined {
  if (type === undefined) return isOfAnyColumn(value, dialect) ? undefined : 'column not known'
  if (typeof value === 'string') {
    if (type === 'text') return undefined
    const isAsWritten = type === 'uuid' ? UUID.test(value) : isCanonicalInteger(value) && isExact(Number(value), dialect)
    return isAsWritten ? undefined : 'key in another spelling'
  }
  // A text is compared with a number by its value on MySQL, and on SQLite with 7 otherwise than with 7n.
  const isCompared = type === 'integer' || (type === 'text' && dialect === 'postgresql')
  return isCompared && isExact(Number(value), dialect) ? undefined : 'key of another type'
}

/** Only PostgreSQL and its driver keep large integers exact on every way. */
function isExact(value: number, dialect: Dialect): boolean {
  return dialect === 'postgresql' || Number.isSafeInteger(value)
}

/** MySQL has columns in which one number stands for another: years, and the places of an enum's texts. */
function isOfAnyColumn(value: unknown, dialect: Dialect): boolean {
  return dialect !== 'mysql' && typeof value === 'number' && value >= 0 && value <= MAX_OF_ANY
}
