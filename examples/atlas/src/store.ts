import type { Table } from './table.ts'

/** Where the tables are put, and the stamp that says which loader put them there. */
export interface Store {
  /** The stamp of the last load; `undefined` when nothing was loaded. */
  stamp(): Promise<number | undefined>
  /** Replaces the tables by these and sets the stamp, all or nothing. */
  load(ddl: string, tables: readonly Table[], stamp: number, onRows: (rows: number) => void): Promise<void>
}
