/** So many rows may be fetched for nothing, besides those that each key may have. */
const EXTRA_ROWS = 100
/** The most rows of all slices together: they are in memory at once, which those that are asked for one by one need not be. */
const MAX_ROWS = 10_000

/** The rows from `skip` on, `take` of them, of each key. */
export interface Slice {
  readonly skip: number
  readonly take: number
}

/** How many keys one query can be asked for when each key's rows are cut here. */
export function maxSlices({ skip, take }: Slice, maxExtraRows: number): number {
  return Math.floor(MAX_ROWS / (maxExtraRows + skip + take))
}

/** The most rows that such a query may bring; where there are more, keys have too many to be cut here. */
export function maxRowsOfSlices(keys: number, { skip, take }: Slice, maxExtraRows: number): number {
  return EXTRA_ROWS + keys * (maxExtraRows + skip + take)
}
