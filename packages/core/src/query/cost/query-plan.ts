/**
 * An estimate of how a statement runs, from its SQL alone. For the plan of the database's planner, use
 * `explain`.
 */
export interface QueryPlan {
  readonly query: string
  /** Hash of the normalized query. */
  readonly fingerprint: string
  /**
   * Points, summed over the queries of the statement: 100 for a scan of the driving table (no usable index is
   * known), 50 for each JOIN, 30 for GROUP BY, 20 for ORDER BY, 25 for DISTINCT.
   */
  readonly estimatedCost: number
  /** Rows that are read, summed over the tables. A usable index reduces the rows of a table to 1%. */
  readonly rowsToScan: number
  /** The known indexes that the conditions can use, such as `PRIMARY KEY city(id)`. */
  readonly indexes: readonly string[]
  /** Each join, without its values. */
  readonly joins: readonly string[]
  /** The conditions of WHERE that must all hold, without their values. */
  readonly filters: readonly string[]
  /**
   * Recommendations that reduce the cost, or the reason why the SQL could not be parsed. Empty if there are
   * none.
   */
  readonly optimization: readonly string[]
}

/** A table that a statement scans. */
export interface Scan {
  readonly table: string
  /**
   * The columns in its conditions, with one of which an index would have to begin. Empty if there are none.
   */
  readonly columns: readonly string[]
  readonly rows: number
}

/** A plan, with other facts about the statement. */
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
