import type { ColumnStatistics, TableSnapshot } from '../inspectors/database-snapshot.ts'

/** How the values of columns are spread, for what decides about indexes. */
export interface Statistics {
  /** `undefined` where nothing is known of a column. */
  column(table: TableSnapshot, column: string): ColumnStatistics | undefined
  /** Distinct rows of several columns, at least 1. */
  distinct(table: TableSnapshot, columns: readonly string[]): number
}

/** Statistics as the catalogue has them; columns together are taken for half as independent as they could be. */
export class CatalogStatistics implements Statistics {
  column(table: TableSnapshot, column: string): ColumnStatistics | undefined {
    return table.columns.find(({ name }) => name === column)?.statistics
  }

  distinct(table: TableSnapshot, columns: readonly string[]): number {
    const rows = Math.max(1, table.rows)
    const numbers = columns.map((column) => this.column(table, column)?.distinct ?? Math.sqrt(rows)).sort((a, b) => b - a)
    // Each further column tells apart less: its square root, its fourth root, …
    const product = numbers.reduce((all, number, at) => all * number ** (1 / 2 ** at), 1)
    return Math.max(1, Math.min(rows, product))
  }
}
