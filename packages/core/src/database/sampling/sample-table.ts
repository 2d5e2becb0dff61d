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
 * Reads some rows of a table, evenly distributed, regardless of its size. Returns the same sample for the
 * same rows.
 *
 * @param columns - Columns, with their names in the catalog.
 * @throws InvalidArgumentError for PostgreSQL, which has its own statistics. The database's error, if the
 * table cannot be read.
 */
export async function sampleTable(
  connection: Connection,
  table: TableSnapshot,
  columns: readonly string[],
  { maxRows = 20_000 }: SampleOptions = {},
): Promise<TableSample> {
  const { dialect } = connection
  if (dialect === 'postgresql')
    throw new InvalidArgumentError('connection', 'one to SQLite, MySQL or MariaDB', dialect)
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
  /**
   * Values in the order of the columns, as returned by the driver. Strings and bytes are truncated to 200; on
   * MySQL, dates and decimals are strings.
   */
  readonly rows: readonly (readonly unknown[])[]
  /** Which share of the table they are, over 0 and up to 1. */
  readonly share: number
}
