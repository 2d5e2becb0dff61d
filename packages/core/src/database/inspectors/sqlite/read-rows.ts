import type { TableId } from '../../../schema/catalog-data.ts'
import type { Connection } from '../../../schema/connection.ts'
import { textOf } from '../../../schema/readers/row-values.ts'
import { quoteName } from '../../../sql/dialect.ts'
import type { Gaps } from '../gaps.ts'
import { numberOf } from '../row-values.ts'

/**
 * Rows up to which tables are counted, although ANALYZE told how many there were: that takes a millisecond or
 * two.
 */
const COUNTED_ANYWAY = 200_000
/** Rows up to which they are counted where nothing else tells. */
const COUNTED_AT_MOST = 5_000_000
/** SQLite takes 500 arms of UNION ALL. */
const TABLES_PER_STATEMENT = 100

export interface SqliteTable {
  readonly id: TableId
  readonly name: string
  /** A name for the rowid that no column has; `undefined` where there is no rowid. */
  readonly rowid: string | undefined
}

export interface RowCount {
  readonly rows: number
  /**
   * Rows that the table gained or lost since ANALYZE, as far as they were counted; omitted if it was never
   * analyzed.
   */
  readonly changedSinceAnalyze?: number
}

/**
 * Counts the rows of small tables; for others, uses the result of ANALYZE. Without either, uses the last
 * rowid, which is too high if rows were deleted.
 *
 * @param analyzed - Number of rows by table at the last ANALYZE.
 */
export async function readRowCounts(
  connection: Connection,
  tables: readonly SqliteTable[],
  analyzed: ReadonlyMap<TableId, number>,
  gaps: Gaps,
): Promise<ReadonlyMap<TableId, RowCount>> {
  return gaps.read('row counts', 'Without them, the sizes of tables are unknown.', new Map(), async () => {
    const last = new Map<TableId, number>()
    const withRowid = tables.filter(({ rowid }) => rowid !== undefined)
    for (const [id, rows] of await queryTables(
      connection,
      withRowid,
      ({ name, rowid }) => `SELECT MAX(${rowid}) FROM ${quoteName(name, 'sqlite')}`,
    ))
      last.set(id, rows)
    const isCounted = ({ id }: SqliteTable) =>
      (last.get(id) ?? analyzed.get(id) ?? 0) <= (analyzed.has(id) ? COUNTED_ANYWAY : COUNTED_AT_MOST)
    const counted = await queryTables(
      connection,
      tables.filter(isCounted),
      ({ name }) =>
        `SELECT COUNT(*) FROM (SELECT 1 FROM ${quoteName(name, 'sqlite')} LIMIT ${COUNTED_AT_MOST})`,
    )
    return new Map(
      tables.map(({ id }) => {
        const count = counted.get(id)
        const found = analyzed.get(id)
        if (count === undefined)
          return [
            id,
            found === undefined ? { rows: last.get(id) ?? -1 } : { rows: found, changedSinceAnalyze: 0 },
          ]
        return [
          id,
          found === undefined
            ? { rows: count }
            : { rows: count, changedSinceAnalyze: Math.abs(count - found) },
        ]
      }),
    )
  })
}

async function queryTables(
  connection: Connection,
  tables: readonly SqliteTable[],
  query: (table: SqliteTable) => string,
): Promise<ReadonlyMap<TableId, number>> {
  const answers = new Map<TableId, number>()
  for (let from = 0; from < tables.length; from += TABLES_PER_STATEMENT) {
    const some = tables.slice(from, from + TABLES_PER_STATEMENT)
    const rows = await connection.query(
      some.map((table, at) => `SELECT '${at}' AS "at", (${query(table)}) AS "rows"`).join('\nUNION ALL\n'),
    )
    for (const row of rows) {
      const table = some[Number(textOf(row, 'at'))]
      if (table !== undefined) answers.set(table.id, Math.max(0, numberOf(row, 'rows') ?? 0))
    }
  }
  return answers
}
