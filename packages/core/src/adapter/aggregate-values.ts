import { isCanonicalInteger } from '../pipeline/key-text.ts'
import type { ColumnType } from '../schema/catalog-data.ts'
import type { Dialect } from '../sql/dialect.ts'

/**
 * Whether the result of an aggregate does not depend on the order of the rows. Sums of floating-point numbers
 * do; and if a collation treats strings as equal, the first one found is the minimum.
 *
 * @param types - The types of the columns that it reads; `undefined` for an unknown type.
 */
export function isExactAggregate(
  name: string,
  types: readonly (ColumnType | undefined)[],
  dialect: Dialect | undefined,
): boolean {
  if (name === 'count') return true
  return types.every((type) =>
    name === 'sum' || name === 'avg'
      ? type === 'integer' || (type === 'decimal' && dialect !== 'sqlite')
      : type === 'float' || type === 'decimal' || isWrittenEqually(type, dialect),
  )
}

/** Whether values of a type that the database considers equal are always written the same. */
export function isWrittenEqually(type: ColumnType | undefined, dialect: Dialect | undefined): boolean {
  switch (type) {
    case 'integer':
    case 'boolean':
    case 'datetime':
    case 'uuid':
      return true
    case 'text':
      return dialect !== 'mysql'
    default:
      return false
  }
}

/**
 * Returns the row of aggregates for a key without rows: 0 for each count, in the form in which the driver
 * returns the counts of other keys, and otherwise null.
 * `undefined` if the sample does not show the form.
 *
 * @param sample - The aggregates of another key, without any other column.
 * @param areCounts - For each aggregate, whether it is a count.
 */
export function emptyTotals<TRow extends object>(
  sample: TRow,
  areCounts: readonly boolean[],
): TRow | undefined {
  const names = Object.keys(sample)
  if (names.length !== areCounts.length) return undefined
  const empty: object = Array.isArray(sample)
    ? []
    : Object.create(Object.getPrototypeOf(sample) as object | null)
  for (const [at, name] of names.entries()) {
    const value = areCounts[at] === true ? zeroLike(Reflect.get(sample, name)) : null
    if (value === undefined) return undefined
    // Not an assignment: an alias can be `__proto__`.
    Object.defineProperty(empty, name, { value, writable: true, enumerable: true, configurable: true })
  }
  return empty as TRow
}

/** `undefined` for a count that a type parser of the app returned in another form. */
function zeroLike(count: unknown): string | bigint | number | undefined {
  if (typeof count === 'string') return isCanonicalInteger(count) ? '0' : undefined
  if (typeof count === 'bigint') return 0n
  return typeof count === 'number' ? 0 : undefined
}
