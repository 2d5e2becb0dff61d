import type { ColumnInfo, ColumnType } from '../schema/catalog-data.ts'
import type { Dialect } from '../sql/dialect.ts'

/** Whether a driver can return a value for a column. */
export type CellCheck = (value: unknown) => boolean

const isNumeric: CellCheck = (value) =>
  typeof value === 'number' ||
  typeof value === 'bigint' ||
  (typeof value === 'string' && /^[+-]?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|infinity|nan)$/i.test(value))
const isBytes: CellCheck = (value) => value instanceof Uint8Array
const isText: CellCheck = (value) => typeof value === 'string' || isBytes(value)

/**
 * The values of each type, with the parsers of all drivers: some return numbers as strings, or dates as
 * strings or numbers. Other parsers only make entries of the store useless.
 */
const CHECKS: Readonly<Partial<Record<ColumnType, CellCheck>>> = {
  integer: (value) => typeof value === 'boolean' || isNumeric(value),
  decimal: isNumeric,
  float: isNumeric,
  text: isText,
  collated: isText,
  uuid: isText,
  boolean: (value) => typeof value === 'boolean' || isNumeric(value) || isBytes(value),
  datetime: (value) => value instanceof Date || typeof value === 'string' || isNumeric(value),
  bytes: isText,
}
const ANY: CellCheck = (value) => value !== undefined

/** SQLite stores values of any type in any column, and has no types other than these. */
const isScalar: CellCheck = (value) =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' || isBytes(value)

const nullable =
  (check: CellCheck): CellCheck =>
  (value) =>
    value === null || check(value)

/** @param info - `undefined` for an expression. */
export function cellCheck(info: ColumnInfo | undefined, dialect: Dialect, mayBeNull: boolean): CellCheck {
  const known = info && CHECKS[info.type]
  const check = dialect === 'sqlite' ? isScalar : (known ?? ANY)
  return mayBeNull || info?.nullable !== false ? nullable(check) : check
}

/** `undefined` for aggregates of any type. */
export function aggregateCheck(name: string): CellCheck | undefined {
  if (name === 'count') return isNumeric
  return name === 'sum' || name === 'avg' ? nullable(isNumeric) : undefined
}
