import type { Table } from './table.ts'

/** The database of the tables, and the stamp of the loader that wrote them. */
export interface Store {
  /** The stamp of the last load; `undefined` when nothing was loaded. */
  stamp(): Promise<number | undefined>
  /** Replaces the tables by these and sets the stamp, all or nothing. */
  load(ddl: string, tables: readonly Table[], stamp: number, onRows: (rows: number) => void): Promise<void>
}
