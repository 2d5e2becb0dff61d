import { isSettledSlice, type Slice } from '@sluice/core/adapter'
import type { PrismaShape } from '../prisma-shape.ts'
import type { Ties } from './row-order.ts'

/** Shapes whose keys turned out to have tied rows. */
const tied = new WeakSet<PrismaShape>()

export function isTied(shape: PrismaShape): boolean {
  return tied.has(shape)
}

/**
 * Removes keys whose requested rows are tied: the database decides which ones it returns. If most keys are,
 * later calls of the shape are not batched.
 *
 * @param valuesOf - Returns the values by which a row is ordered.
 */
export function dropUnsettled<TRow>(
  shape: PrismaShape,
  groups: Map<string, TRow[]>,
  slice: Slice,
  ties: Ties,
  valuesOf: (row: TRow) => readonly unknown[],
): void {
  const { size } = groups
  // Without an order, all rows are tied.
  const areTied = (left: TRow, right: TRow) => ties.areEqual(valuesOf(left), valuesOf(right))
  for (const [text, rows] of groups) if (!isSettledSlice(rows, slice, areTied)) groups.delete(text)
  if (groups.size < size / 2) tied.add(shape)
}
