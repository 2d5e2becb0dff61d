import type { Dialect } from '../sql/dialect.ts'
import { type CatalogTable, type Change, EVERYTHING, type SchemaCatalog, type WriteEffect } from './catalog.ts'
import type { TableId } from './catalog-data.ts'

/**
 * What a Sluice knows of its databases: the union of what every adapter brought, by dialect.
 * While a source is being read again (after DDL, say) nothing is trusted: writes touch everything, and no table is a base table.
 */
export class CatalogRegistry {
  readonly #sources = new Map<string, SchemaCatalog | undefined>()
  readonly #unions = new Map<Dialect, SchemaCatalog | undefined>()
  readonly #aliases = new Map<string, Set<TableId>>()
  readonly #shadowed = new Set<TableId>()

  /**
   * Sets what one source knows. `undefined` means that it is being read.
   *
   * @param aliases - Other names of tables, such as model names, for `resolve`.
   */
  set(sourceId: string, catalog: SchemaCatalog | undefined, aliases: Iterable<readonly [string, TableId]> = []): void {
    this.#sources.set(sourceId, catalog)
    this.#unions.clear()
    for (const [alias, table] of aliases) {
      const tables = this.#aliases.get(alias) ?? new Set()
      this.#aliases.set(alias, tables.add(table))
    }
  }

  /** What one source knows; `undefined` while it is being read, or was never set. */
  of(sourceId: string): SchemaCatalog | undefined {
    return this.#sources.get(sourceId)
  }

  delete(sourceId: string): void {
    this.#sources.delete(sourceId)
    this.#unions.clear()
  }

  /** The union of all that is known for a dialect; `undefined` while nothing is, or while a source is being read. */
  catalog(dialect: Dialect): SchemaCatalog | undefined {
    if (this.#unions.has(dialect)) return this.#unions.get(dialect)
    let union: SchemaCatalog | undefined
    for (const catalog of this.#sources.values()) {
      if (catalog === undefined) {
        union = undefined
        break
      }
      if (catalog.dialect === dialect) union = union === undefined ? catalog : catalog.union(union)
    }
    this.#unions.set(dialect, union)
    return union
  }

  /** Whether any catalogue is there. */
  isKnown(): boolean {
    return [...this.#sources.values()].some((catalog) => catalog !== undefined)
  }

  /** Every table that the changes touch, with their cascades. */
  effectOf(dialect: Dialect, changes: readonly Change[]): WriteEffect {
    return this.catalog(dialect)?.effectOf(changes) ?? EVERYTHING
  }

  /** The table of an id if results that depend on it may be kept. */
  cacheableTable(dialect: Dialect, id: TableId): CatalogTable | undefined {
    return this.#shadowed.has(id) ? undefined : this.catalog(dialect)?.baseTable(id)
  }

  /** A temporary table hides the table of that name on some connection: nothing of that name is kept any more. */
  shadow(id: TableId): void {
    this.#shadowed.add(id)
  }

  /** The tables that a person's name for a table may mean: a model, a table, or `schema.table`. Empty when nothing is called so. */
  resolve(name: string): ReadonlySet<TableId> {
    const found = new Set(this.#aliases.get(name))
    const folded = name.toLowerCase()
    for (const catalog of this.#sources.values()) {
      for (const [id, table] of catalog?.tables ?? []) {
        if (id === name || table.name === name || (catalog?.dialect !== 'postgresql' && table.name.toLowerCase() === folded)) found.add(id)
      }
    }
    return found
  }
}
