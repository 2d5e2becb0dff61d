import type { TableId } from '../../schema/catalog-data.ts'
import type { Connection } from '../../schema/connection.ts'
import type { Row } from '../../schema/readers/row-values.ts'
import { InvalidArgumentError } from '../../shared/errors.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { TableSnapshot } from '../inspectors/database-snapshot.ts'
import { sampleMysql } from './sample-mysql.ts'
import { sampleSqlite } from './sample-sqlite.ts'

export interface SampleOptions {
  /** @defaultValue 20,000 */
  readonly maxRows?: number
}

/**
 * Reads some rows of a table, evenly spread, however large it is. Asked twice of the same rows it gives the same sample.
 *
 * @param columns - Which of its columns, as the catalogue writes them.
 * @throws InvalidArgumentError for PostgreSQL, which keeps statistics of its own. The database's own error, when it cannot be read.
 */
export async function sampleTable(
  connection: Connection,
  table: TableSnapshot,
  columns: readonly string[],
  { maxRows = 20_000 }: SampleOptions = {},
): Promise<TableSample> {
  const { dialect } = connection
  if (dialect === 'postgresql') throw new InvalidArgumentError('connection', 'one to SQLite, MySQL or MariaDB', dialect)
  const found = await (dialect === 'sqlite' ? sampleSqlite : sampleMysql)(connection, table, columns, maxRows)
  const rows = found.map((row: Row) => columns.map((_, at) => row[`c${at}`]))
  const isAll = rows.length < maxRows && (table.rows <= maxRows || table.rows < 0)
  const share = isAll || rows.length === 0 ? 1 : Math.min(1, rows.length / Math.max(table.rows, rows.length))
  return { dialect, table: table.id, columns, rows, share }
}

/** Rows of a table, spread evenly over it. */
export interface TableSample {
  readonly dialect: Dialect
  readonly table: TableId
  readonly columns: readonly string[]
  /** Values in the order of the columns, as the driver gives them. Texts and bytes are cut after 200; on MySQL dates and decimals are texts. */
  readonly rows: readonly (readonly unknown[])[]
  /** Which share of the table they are, over 0 and up to 1. */
  readonly share: number
}
