import type { Dialect } from '../sql/dialect.ts'
import type { ColumnType } from './catalog-data.ts'

export type Row = Readonly<Record<string, unknown>>

/** One column of one table, by which rows can be loaded. */
export interface RowTarget {
  /** What the column's values are, as far as is known. */
  readonly type: ColumnType
  /** The value of the column in a row. */
  keyOf(row: Row): unknown
  /** The rows whose column is one of the keys, in one query. Keys are not null, and no more than the database binds. */
  load(keys: readonly unknown[]): Promise<readonly Row[]>
}

/** A way to load rows through a client of the app's, given by its adapter. */
export interface RowLoader {
  readonly dialect: Dialect
  /**
   * Finds a table's column; `undefined` when there is no such table or column.
   *
   * @param table - A model's or a table's name, or `schema.table`.
   * @param field - A model's field or a column.
   */
  target(table: string, field: string): Promise<RowTarget | undefined>
}
