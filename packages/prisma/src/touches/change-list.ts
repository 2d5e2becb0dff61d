import type { Change, TableId } from '@sluice/core/adapter'

interface OpenChange {
  readonly table: TableId
  readonly kind: Change['kind']
  columns?: string[]
  rows?: number[]
}

/** The changes of one operation, each table and kind once. */
export class ChangeList {
  readonly #changes: OpenChange[] = []

  get changes(): readonly Change[] {
    return this.#changes
  }

  insert(table: TableId): void {
    if (this.#find(table, 'insert') === undefined) this.#changes.push({ table, kind: 'insert' })
  }

  /** @param rows - Their buckets; `undefined`: any. */
  delete(table: TableId, rows: readonly number[] | undefined): void {
    const known = this.#find(table, 'delete')
    if (known === undefined)
      this.#changes.push({ table, kind: 'delete', ...(rows === undefined ? {} : { rows: [...rows] }) })
    else joinRows(known, rows)
  }

  /**
   * @param columns - Columns that may change; `undefined`: any.
   * @param rows - The buckets of the rows that may change; `undefined`: any.
   */
  update(table: TableId, columns: readonly string[] | undefined, rows: readonly number[] | undefined): void {
    const known = this.#find(table, 'update')
    if (known === undefined) {
      const change: OpenChange = { table, kind: 'update' }
      if (columns !== undefined) change.columns = [...columns]
      if (rows !== undefined) change.rows = [...rows]
      this.#changes.push(change)
      return
    }
    joinRows(known, rows)
    if (columns === undefined) delete known.columns
    else if (known.columns !== undefined) {
      for (const column of columns) if (!known.columns.includes(column)) known.columns.push(column)
    }
  }

  #find(table: TableId, kind: Change['kind']): OpenChange | undefined {
    for (const change of this.#changes) if (change.table === table && change.kind === kind) return change
    return undefined
  }
}

function joinRows(change: OpenChange, rows: readonly number[] | undefined): void {
  if (rows === undefined) delete change.rows
  else if (change.rows !== undefined)
    for (const row of rows) if (!change.rows.includes(row)) change.rows.push(row)
}
