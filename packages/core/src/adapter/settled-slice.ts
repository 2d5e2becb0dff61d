import type { Slice } from './slice-limits.ts'

/**
 * Returns whether the order of one key's rows determines a slice of them: neither two rows of the slice nor a
 * row of it and a row next to it are tied. Otherwise the database decides.
 *
 * @param rows - In the order, without gaps around the slice.
 */
export function isSettledSlice<TRow>(
  rows: readonly TRow[],
  { skip, take }: Slice,
  areTied: (left: TRow, right: TRow) => boolean,
): boolean {
  const end = skip + take
  return rows.every((row, at) => {
    const before = rows[at - 1]
    return before === undefined || at < skip || at > end || !areTied(before, row)
  })
}

/** A slice with the row before and the row after it, and its position among these rows. */
export function withNeighbors({ skip, take }: Slice): { readonly outer: Slice; readonly inner: Slice } {
  const before = Math.min(skip, 1)
  return { outer: { skip: skip - before, take: before + take + 1 }, inner: { skip: before, take } }
}

/**
 * Removes keys whose requested rows are tied: the database decides which ones it returns. Returns whether
 * most keys were removed.
 *
 * @param rankOf - Returns the rank of a row; rows of one key are in the order of their ranks.
 */
export function dropUnsettled<TRow>(
  groups: Map<string, readonly TRow[]>,
  slice: Slice,
  rankOf: (row: TRow) => unknown,
): boolean {
  const { size } = groups
  // Without an order, rows have no rank, and all are tied.
  const areTied = (left: TRow, right: TRow) => !(Number(rankOf(left)) < Number(rankOf(right)))
  for (const [text, rows] of groups) if (!isSettledSlice(rows, slice, areTied)) groups.delete(text)
  return groups.size < size / 2
}
