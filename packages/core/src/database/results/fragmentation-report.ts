/** Room that a table or an index takes and does not need. */
export interface FragmentationReport {
  readonly table: string
  /** Set where it is an index's. */
  readonly index?: string
  /** Bytes, as an estimate. */
  readonly wastedBytes: number
  /** The share of what it takes, 0 to 1. */
  readonly ratio: number
  /** What to do, with the statement. */
  readonly advice: string
}
