/** What a statement's text tells of how it will be run. The database's planner may know better: `explain` asks it. */
export interface QueryPlan {
  readonly query: string
  /** The shape's hash; the same for the same shape. */
  readonly fingerprint: string
  /**
   * Points, summed over the statement's queries: 100 where the driving table is scanned (no usable index is known), 50 for each JOIN,
   * 30 for GROUP BY, 20 for ORDER BY, 25 for DISTINCT.
   */
  readonly estimatedCost: number
  /** Rows that are looked at, summed over the tables; an index in use leaves 1 % of a table's rows. */
  readonly rowsToScan: number
  /** The known indexes that the conditions can use, such as `PRIMARY KEY city(id)`. */
  readonly indexes: readonly string[]
  /** Each join, without its values. */
  readonly joins: readonly string[]
  /** The conditions of WHERE that must all hold, without their values. */
  readonly filters: readonly string[]
  /** What would make it cheaper, in words; or why the text could not be read. Empty when there is nothing to say. */
  readonly optimization: readonly string[]
}

/** A table that a statement scans. */
export interface Scan {
  readonly table: string
  /** The columns it asks by: what an index would have to begin with. Empty where there are none. */
  readonly columns: readonly string[]
  readonly rows: number
}

/** What else was read on the way to a plan. */
export interface PlanFacts {
  readonly plan: QueryPlan
  readonly label: string
  readonly scans: readonly Scan[]
  /** Every table of the statement, as written. */
  readonly tables: readonly string[]
  readonly joinCount: number
  /** Whether it selects all columns of a table that is known to have many. */
  readonly star: boolean
}
