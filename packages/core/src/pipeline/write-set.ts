import type { WriteEffect } from '../schema/catalog.ts'
import type { TableId } from '../schema/catalog-data.ts'
import { mergeEffect } from '../schema/merge-effect.ts'

/**
 * The combined effect of several writes. Its size depends on the number of tables, not of writes: more than
 * 64 rows of a table count as any row.
 */
export class WriteSet implements WriteEffect {
  readonly #tables = new Set<TableId>()
  readonly #rows = new Map<TableId, Set<number>>()
  #everything = false

  get tables(): ReadonlySet<TableId> {
    return this.#tables
  }

  get rows(): ReadonlyMap<TableId, ReadonlySet<number>> {
    return this.#rows
  }

  get everything(): boolean {
    return this.#everything
  }

  get isEmpty(): boolean {
    return !this.#everything && this.#tables.size === 0
  }

  add(effect: WriteEffect): void {
    this.#everything ||= effect.everything
    mergeEffect(this.#tables, this.#rows, effect)
  }
}
