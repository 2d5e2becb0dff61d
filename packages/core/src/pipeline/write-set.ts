import type { WriteEffect } from '../schema/catalog.ts'
import type { TableId } from '../schema/catalog-data.ts'

/** What several writes touch together. Grows with the number of tables, not of writes. */
export class WriteSet implements WriteEffect {
  readonly #tables = new Set<TableId>()
  #everything = false

  get tables(): ReadonlySet<TableId> {
    return this.#tables
  }

  get everything(): boolean {
    return this.#everything
  }

  get isEmpty(): boolean {
    return !this.#everything && this.#tables.size === 0
  }

  add({ tables, everything }: WriteEffect): void {
    this.#everything ||= everything
    for (const table of tables) this.#tables.add(table)
  }
}
