import type { Change, TableId } from '@sluice/core'

interface OpenChange {
  readonly table: TableId
  readonly kind: Change['kind']
  columns?: string[]
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

  delete(table: TableId): void {
    if (this.#find(table, 'delete') === undefined) this.#changes.push({ table, kind: 'delete' })
  }

  /** @param columns - Those that may change; `undefined`: any. */
  update(table: TableId, columns: readonly string[] | undefined): void {
    const known = this.#find(table, 'update')
    if (known === undefined) {
      this.#changes.push(columns === undefined ? { table, kind: 'update' } : { table, kind: 'update', columns: [...columns] })
    } else if (columns === undefined) {
      delete known.columns
    } else if (known.columns !== undefined) {
      for (const column of columns) if (!known.columns.includes(column)) known.columns.push(column)
    }
  }

  #find(table: TableId, kind: Change['kind']): OpenChange | undefined {
    for (const change of this.#changes) if (change.table === table && change.kind === kind) return change
    return undefined
  }
}
