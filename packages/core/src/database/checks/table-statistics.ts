import type { DatabaseSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { shownName } from '../names.ts'

/** What is known of a table's size; what is given comes first. */
export function tableStatistics(
  name: string,
  given: { readonly rowCount: number | undefined; readonly totalSize: number | undefined },
  now: number,
  snapshot: DatabaseSnapshot | undefined,
  table: TableSnapshot | undefined,
): DatabaseStatistics {
  const known = (value: number | undefined) => Math.max(0, value ?? 0)
  const indexSize = known(table?.indexBytes)
  const rowCount = given.rowCount ?? known(table?.rows)
  const totalSize = given.totalSize ?? known(table?.bytes) + indexSize
  const isGiven = given.rowCount !== undefined || given.totalSize !== undefined
  return {
    table: table === undefined || snapshot === undefined ? name : shownName(table, snapshot),
    ...{ rowCount, totalSize, indexSize },
    averageRowSize: rowCount === 0 ? 0 : Math.max(0, totalSize - indexSize) / rowCount,
    lastAnalyzed: table?.analyzedAt,
    collectedAt: isGiven || snapshot === undefined ? now : snapshot.takenAt,
  }
}

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
