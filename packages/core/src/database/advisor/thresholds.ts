/** Minimum gains of an index. Costs are in units of one page of a sequential read: 3 to 10 microseconds. */
export interface Thresholds {
  /** Statements with a lower cost are ignored. */
  readonly minCost: number
  /** An index must save as much in one statement at least. */
  readonly minSaving: number
  /** Maximum remaining share of a statement's cost. */
  readonly maxLeft: number
  /** The same, for a wider index whose last column was added for a range. */
  readonly maxLeftOfRange: number
  /**
   * The same, for an index that provides the order of a limited statement: planners assume that strings are
   * compared as fast as numbers, and that rows with two given columns are more scattered than they are.
   */
  readonly maxLeftOfOrder: number
  /** The same, for columns that only avoid reading the table. */
  readonly maxLeftOfCarried: number
  /**
   * Minimum saving of columns that only avoid reading the table: about 250 random page reads, most of which
   * are in memory if they are frequent.
   */
  readonly minSavingOfCarried: number
  /** Minimum saving of one more column, compared with the best narrower index. */
  readonly minSavingOfWider: number
  /** Cost of one insert or delete for each index; an update of its columns costs twice as much. */
  readonly writeCost: number
  /** The share of the workload's cost that an index must save. */
  readonly minShare: number
  /** Minimum saving, as a share of the remaining cost, if another index begins with the same column. */
  readonly minShareOfSibling: number
}

export const THRESHOLDS: Thresholds = {
  minCost: 25,
  minSaving: 20,
  maxLeft: 0.5,
  maxLeftOfRange: 0.4,
  maxLeftOfOrder: 0.7,
  maxLeftOfCarried: 0.25,
  minSavingOfCarried: 1_000,
  minSavingOfWider: 40,
  writeCost: 2,
  minShare: 0.0002,
  minShareOfSibling: 0.02,
}
