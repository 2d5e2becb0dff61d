import type { Connection } from '../../schema/connection.ts'
import type { Row } from '../../schema/readers/row-values.ts'
import { quoteName } from '../../sql/dialect.ts'
import type { TableSnapshot } from '../inspectors/database-snapshot.ts'
import { numberOf } from '../inspectors/row-values.ts'
import { spreadPlaces } from './spread-places.ts'

/** Maximum number of rows to read from a table without rowids, which can only be read from its beginning. */
const READ_AT_MOST = 1_000_000

export async function sampleSqlite(
  connection: Connection,
  table: TableSnapshot,
  columns: readonly string[],
  maxRows: number,
): Promise<readonly Row[]> {
  const from = quoteName(table.name, 'sqlite')
  const list = columns.map((column, at) => `${cut(quoteName(column, 'sqlite'))} AS c${at}`).join(', ')
  const rowid = rowidOf(table)
  if (table.rows >= 0 && table.rows <= maxRows)
    return connection.query(`SELECT ${list} FROM ${from} LIMIT ${maxRows}`)
  if (rowid === undefined) {
    const places = spreadPlaces(
      1,
      Math.min(table.rows < 0 ? READ_AT_MOST : table.rows, READ_AT_MOST),
      maxRows,
    )
    return connection.query(
      `SELECT ${list} FROM (SELECT *, ROW_NUMBER() OVER () AS sluice_row FROM ${from} LIMIT ${READ_AT_MOST})
       WHERE sluice_row IN (SELECT value FROM json_each(?))`,
      [JSON.stringify(places)],
    )
  }
  // In one query, they would scan the whole table.
  const end = (which: string) => `(SELECT ${which}(${rowid}) FROM ${from})`
  const [ends = {}] = await connection.query(`SELECT ${end('MIN')} AS "first", ${end('MAX')} AS "last"`)
  const first = numberOf(ends, 'first')
  const last = numberOf(ends, 'last')
  if (first === undefined || last === undefined) return []
  return connection.query(
    `SELECT ${list} FROM ${from} WHERE ${rowid} IN (
      SELECT (SELECT t.${rowid} FROM ${from} t WHERE t.${rowid} >= p.value ORDER BY t.${rowid} LIMIT 1) FROM json_each(?) p
    )`,
    [JSON.stringify(spreadPlaces(first, last, maxRows))],
  )
}

/** A name for the rowid that no column has. */
function rowidOf({ isClustered, columns }: TableSnapshot): string | undefined {
  if (isClustered === true) return undefined
  return ['_rowid_', 'rowid', 'oid'].find((alias) =>
    columns.every(({ name }) => name.toLowerCase() !== alias),
  )
}

function cut(column: string): string {
  return `CASE WHEN length(${column}) > 200 THEN substr(${column}, 1, 200) ELSE ${column} END`
}
