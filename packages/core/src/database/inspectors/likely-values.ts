import type { ColumnStatistics, StatisticsValue } from './database-snapshot.ts'
import { thinned } from './row-values.ts'

/**
 * A typical value of a column, from its statistics; `undefined` if there are none.
 *
 * @param nth - Number of values that were used before: those of an IN must differ.
 * @param isHeavy - Whether to use a value of many rows; otherwise, one from the middle.
 */
export function likelyValue(
  { common, bounds }: ColumnStatistics,
  nth: number,
  isHeavy: boolean,
): StatisticsValue | undefined {
  if (isHeavy && common.length > 0) return common[nth % common.length]?.value
  if (bounds.length > 0) return bounds[(Math.floor(bounds.length / 2) + nth) % bounds.length]
  return common[(Math.floor(common.length / 2) + nth) % Math.max(1, common.length)]?.value
}

/** The values of a column in order; where all are common ones, those. */
export function valuesInOrder({ bounds, common }: ColumnStatistics): readonly StatisticsValue[] {
  if (bounds.length > 1) return bounds
  return thinned(common.map(({ value }) => value).sort(inOrder), 101)
}

/** Compares as numbers if both are, regardless of the database's notation. */
export function inOrder(left: StatisticsValue, right: StatisticsValue): number {
  const difference = Number(left) - Number(right)
  if (!Number.isNaN(difference)) return difference
  return left < right ? -1 : left > right ? 1 : 0
}
