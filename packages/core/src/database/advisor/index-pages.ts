import type { IndexDefinition } from '../index-definition.ts'
import type { ColumnSnapshot, ColumnStatistics, TableSnapshot } from '../inspectors/database-snapshot.ts'

/** Page size of PostgreSQL; that of other databases is similar. */
export const PAGE_BYTES = 8_192

const TUPLE_HEADER = 8
const LINE_POINTER = 4
const PAGE_OVERHEAD = 40
const FILL_FACTOR = 0.9
/** A row in a list of rows with equal keys. */
const POSTING_BYTES = 6
const DEFAULT_WIDTH = 16

/**
 * The pages that a B-tree would take when it is newly built: equal keys are stored once.
 *
 * @param share - The share of the rows that it holds.
 */
export function indexPages(
  { keys }: Pick<IndexDefinition, 'keys'>,
  table: TableSnapshot,
  share: number,
  statisticsOf: (column: ColumnSnapshot) => ColumnStatistics | undefined = (column) => column.statistics,
): number {
  const rows = Math.max(0, table.rows) * share
  const columns = keys.flatMap(({ column }) => table.columns.find(({ name }) => name === column) ?? [])
  const width = aligned(columns.reduce((sum, column) => sum + widthOf(column, statisticsOf(column)), 0))
  const distinct = Math.min(
    rows,
    columns.reduce((all, column) => all * (statisticsOf(column)?.distinct ?? rows), 1),
  )
  const keyBytes = TUPLE_HEADER + width + LINE_POINTER
  const bytes = distinct * 2 < rows ? distinct * keyBytes + rows * POSTING_BYTES : rows * keyBytes
  const leaves = Math.ceil(bytes / ((PAGE_BYTES - PAGE_OVERHEAD) * FILL_FACTOR))
  const entriesAPage = (PAGE_BYTES - PAGE_OVERHEAD) / keyBytes
  return 1 + leaves + Math.ceil(leaves / entriesAPage)
}

function widthOf({ databaseType }: ColumnSnapshot, statistics: ColumnStatistics | undefined): number {
  const fixed = FIXED[databaseType]
  return fixed ?? statistics?.averageWidth ?? DEFAULT_WIDTH
}

const FIXED: Readonly<Record<string, number>> = {
  int: 4,
  INTEGER: 8,
  REAL: 8,
  smallint: 2,
  integer: 4,
  bigint: 8,
  uuid: 16,
  boolean: 1,
  date: 4,
  'double precision': 8,
  real: 4,
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}
