import type { Dialect } from '../sql/dialect.ts'
import type { ColumnType } from './catalog-data.ts'

export type Row = Readonly<Record<string, unknown>>

/** One column of one table, by which rows can be loaded. */
export interface RowTarget {
  /** Type of the column's values, as far as it is known. */
  readonly type: ColumnType
  /** The value of the column in a row. */
  keyOf(row: Row): unknown
  /**
   * Returns the rows whose column is one of the keys, in one query. Keys are not null, and no more than the
   * database can bind.
   */
  load(keys: readonly unknown[]): Promise<readonly Row[]>
}

/** Loads rows through one of the app's clients; provided by its adapter. */
export interface RowLoader {
  readonly dialect: Dialect
  /**
   * Finds a table's column; `undefined` if the table or column does not exist.
   *
   * @param table - A model's or a table's name, or `schema.table`.
   * @param field - A model's field or a column.
   */
  target(table: string, field: string): Promise<RowTarget | undefined>
}
