import type { TableId } from '../../schema/catalog-data.ts'
import type { Dialect } from '../../sql/dialect.ts'

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
