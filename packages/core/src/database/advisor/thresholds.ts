/** What must be gained for an index to be worth it. Costs are in units of about a page that is read in sequence: 3 to 10 microseconds. */
export interface Thresholds {
  /** Statements that cost less are left alone. */
  readonly minCost: number
  /** An index must save as much in one statement at least. */
  readonly minSaving: number
  /** What an index leaves of a statement's cost, at most. */
  readonly maxLeft: number
  /** The same, for a wider index whose last column was added for a range. */
  readonly maxLeftOfRange: number
  /**
   * The same, for an index that gives the order of a limited statement: planners take comparing texts for as cheap as comparing numbers, and rows that
   * are found by two columns for more scattered than they are.
   */
  readonly maxLeftOfOrder: number
  /** The same, for columns that are there only so that the table need not be read. */
  readonly maxLeftOfCarried: number
  /**
   * What columns must save that are there only so that the table need not be read: some 250 pages read at random, of which most are in memory where
   * they are read often.
   */
  readonly minSavingOfCarried: number
  /** What one more column must save against the best narrower index. */
  readonly minSavingOfWider: number
  /** What one insert or delete costs for each index; an update of its columns costs twice that. */
  readonly writeCost: number
  /** The share of the workload's cost that an index must save. */
  readonly minShare: number
  /** The share of what is left that an index must save if another one begins with the same column. */
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
