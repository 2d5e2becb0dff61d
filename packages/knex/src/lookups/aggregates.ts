import type { Dialect } from '@sluice/core'
import type { ColumnType } from '@sluice/core/adapter'
import type { KnexReason } from '../reasons.ts'
import type { KeyColumn } from './choose-key.ts'
import { aliasesOf, columnName, type Ground, isShadowed, lastPart, typeOf } from './names.ts'
import type { Aggregate, SelectParts } from './select-parts.ts'

/** Reason why a select of aggregates, with one row per key, is not batched. */
export function aggregateRefusal(
  parts: SelectParts,
  keys: readonly KeyColumn[],
  ground: Ground,
): KnexReason | undefined {
  const { columns, orders, offset } = parts
  if (columns.length > 0 || orders.length > 0 || offset > 0) return 'UNSUPPORTED_AGGREGATE'
  return calculationRefusal(parts, keys, ground)
}

/** Reason why a select that groups by other columns is not batched. */
export function groupRefusal(
  parts: SelectParts,
  keys: readonly KeyColumn[],
  ground: Ground,
): KnexReason | undefined {
  const { method, columns, aggregates, groups, limit, offset } = parts
  const { catalog, nameOf } = ground
  if (limit !== undefined || offset > 0 || method === 'first') return 'UNSUPPORTED_LIMIT'
  if (columns.length + aggregates.length === 0) return 'UNSUPPORTED_GROUPING'
  const aliases = aliasesOf(parts, ground)
  const grouped = new Set(groups.map((column) => nameOf(lastPart(column))))
  const isPlain = groups.every(
    (column) => !isShadowed(column, aliases, ground) && isOneText(typeOf(column, ground), catalog?.dialect),
  )
  const isSettled = columns.every((written) => grouped.has(nameOf(columnName(written).name)))
  return isPlain && isSettled ? calculationRefusal(parts, keys, ground) : 'UNSUPPORTED_GROUPING'
}

function calculationRefusal(
  parts: SelectParts,
  keys: readonly KeyColumn[],
  ground: Ground,
): KnexReason | undefined {
  const aliases = aliasesOf(parts, ground)
  if (keys.some(({ written }) => isShadowed(written, aliases, ground))) return 'UNSUPPORTED_COLUMNS'
  // Objects list numeric names first, so the order of a row's names would not identify the values.
  if ([...aliases].some((alias) => /^\d+$/.test(alias))) return 'UNSUPPORTED_COLUMNS'
  return parts.aggregates.every((aggregate) => isExact(aggregate, ground))
    ? undefined
    : 'UNSUPPORTED_AGGREGATE'
}

/**
 * Whether the result does not depend on the order of the rows. Sums of floating-point numbers do; and if a
 * collation treats strings as equal, the first one found is the minimum.
 */
function isExact({ method, outputs }: Aggregate, ground: Ground): boolean {
  if (method === 'count') return true
  const dialect = ground.catalog?.dialect
  return outputs.every(({ columns }) =>
    columns.every((column) => {
      const type = typeOf(column, ground)
      if (method === 'sum' || method === 'avg')
        return type === 'integer' || (type === 'decimal' && dialect !== 'sqlite')
      return type === 'float' || type === 'decimal' || isOneText(type, dialect)
    }),
  )
}

/** Whether values that the database considers equal are always written the same. */
function isOneText(type: ColumnType | undefined, dialect: Dialect | undefined): boolean {
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

type Row = Record<string, unknown>

/**
 * The result for a key without rows: 0 for each count, in the form in which the driver returns the counts of
 * other keys, and otherwise null.
 * `undefined` if the names in the sample do not identify the values.
 *
 * @param sample - The aggregates of a different key, without any other column.
 */
export function emptyTotals(sample: Row, aggregates: readonly Aggregate[]): Row | undefined {
  const isCount = aggregates.flatMap(({ method, outputs }) => outputs.map(() => method === 'count'))
  const names = Object.keys(sample)
  if (names.length !== isCount.length) return undefined
  const empty = Object.create(Object.getPrototypeOf(sample) as object | null) as Row
  for (const [at, name] of names.entries()) empty[name] = isCount[at] === true ? zeroLike(sample[name]) : null
  return empty
}

function zeroLike(count: unknown): unknown {
  if (typeof count === 'string') return '0'
  return typeof count === 'bigint' ? 0n : 0
}
