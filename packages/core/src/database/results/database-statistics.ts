/** How large a table is. */
export interface DatabaseStatistics {
  readonly table: string
  /** Rows; an estimate, unless the database counts. 0 where that is not known. */
  readonly rowCount: number
  /** Bytes of the table and its indexes together. 0 where that is not known. */
  readonly totalSize: number
  /** Bytes of its indexes. 0 where that is not known. */
  readonly indexSize: number
  /** Bytes of a row, without indexes; 0 of an empty table. */
  readonly averageRowSize: number
  /** When the planner's statistics were last made, in milliseconds since 1970. */
  readonly lastAnalyzed: number | undefined
  /** When this was read or given, in milliseconds since 1970. */
  readonly collectedAt: number
}
