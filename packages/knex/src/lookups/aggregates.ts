import { isExactAggregate, isWrittenAlike } from '@sluice/core/adapter'
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
    (column) =>
      !isShadowed(column, aliases, ground) && isWrittenAlike(typeOf(column, ground), catalog?.dialect),
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

/** Whether the result does not depend on the order of the rows. */
function isExact({ method, outputs }: Aggregate, ground: Ground): boolean {
  const types = outputs.flatMap(({ columns }) => columns.map((column) => typeOf(column, ground)))
  return isExactAggregate(method, types, ground.catalog?.dialect)
}
