import { LRUCache } from 'lru-cache'
import type { DatabaseSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { shownName, tableNamed } from '../names.ts'
import {
  type PartitionRecommendation,
  partitioningOfUnknown,
  partitionRecommendations,
} from './partitions.ts'

/** Tables whose rows the app has given. */
const MAX_TABLES = 1_000

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

/** The sizes of tables: as the app gave them, otherwise as they were last inspected. */
export class TableSizes {
  readonly #passedRows = new LRUCache<string, number>({ max: MAX_TABLES })

  collect(
    name: string,
    passed: { readonly rowCount: number | undefined; readonly totalSize: number | undefined },
    now: number,
    snapshot: DatabaseSnapshot | undefined,
  ): DatabaseStatistics {
    const table = snapshot && tableNamed(snapshot, name)
    if (passed.rowCount !== undefined) this.#passedRows.set(table?.id ?? name, passed.rowCount)
    return tableStatistics(name, passed, now, snapshot, table)
  }

  /** @param columnsOf - Columns that a table is known to have, if the snapshot does not contain it. */
  partitions(
    snapshot: DatabaseSnapshot | undefined,
    columnsOf: (table: string) => readonly string[],
  ): PartitionRecommendation[] {
    const unknown = [...this.#passedRows.entries()].flatMap(([table, rows]) => {
      const isKnown = snapshot !== undefined && tableNamed(snapshot, table) !== undefined
      return isKnown ? [] : (partitioningOfUnknown(table, rows, columnsOf(table)) ?? [])
    })
    if (snapshot === undefined) return unknown
    const tables = snapshot.tables.map((table) => ({
      ...table,
      rows: this.#passedRows.get(table.id) ?? table.rows,
    }))
    return [...partitionRecommendations({ ...snapshot, tables }), ...unknown].sort(
      (a, b) => b.rowCount - a.rowCount,
    )
  }
}

/** Size of a table; given values take precedence. */
function tableStatistics(
  name: string,
  passed: { readonly rowCount: number | undefined; readonly totalSize: number | undefined },
  now: number,
  snapshot: DatabaseSnapshot | undefined,
  table: TableSnapshot | undefined,
): DatabaseStatistics {
  const known = (value: number | undefined) => Math.max(0, value ?? 0)
  const indexSize = known(table?.indexBytes)
  const rowCount = passed.rowCount ?? known(table?.rows)
  const totalSize = passed.totalSize ?? known(table?.bytes) + indexSize
  const isPassed = passed.rowCount !== undefined || passed.totalSize !== undefined
  return {
    table: table === undefined || snapshot === undefined ? name : shownName(table, snapshot),
    rowCount,
    totalSize,
    indexSize,
    averageRowSize: rowCount === 0 ? 0 : Math.max(0, totalSize - indexSize) / rowCount,
    lastAnalyzed: table?.analyzedAt,
    collectedAt: isPassed || snapshot === undefined ? now : snapshot.takenAt,
  }
}
