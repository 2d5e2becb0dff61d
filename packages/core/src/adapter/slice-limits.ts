/** Maximum number of rows that may be fetched in vain, in addition to those allowed for each key. */
const EXTRA_ROWS = 100
/**
 * Maximum number of rows of all slices together: they are in memory at the same time, unlike those of
 * individual queries.
 */
const MAX_ROWS = 10_000

/** The rows from `skip` on, `take` of them, of each key. */
export interface Slice {
  readonly skip: number
  readonly take: number
}

/** Returns how many keys one query can contain if Sluice slices the rows of each key. */
export function maxSlices({ skip, take }: Slice, maxExtraRows: number): number {
  return Math.floor(MAX_ROWS / (maxExtraRows + skip + take))
}

/**
 * Returns the maximum number of rows of such a query. If there are more, the keys have too many rows to be
 * sliced here.
 */
export function maxRowsOfSlices(keys: number, { skip, take }: Slice, maxExtraRows: number): number {
  return EXTRA_ROWS + keys * (maxExtraRows + skip + take)
}
