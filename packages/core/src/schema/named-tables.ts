import type { TableId } from './catalog-data.ts'
import type { CatalogRegistry } from './catalog-registry.ts'

/** The tables to which names refer, computed once for each state of the catalogs. */
export class NamedTables {
  #version = -1
  readonly #tables = new Map<string, ReadonlySet<TableId>>()

  constructor(private readonly catalogs: Pick<CatalogRegistry, 'resolve' | 'version'>) {}

  /** @returns Empty if no catalog contains the name. */
  of(name: string): ReadonlySet<TableId> {
    const { version } = this.catalogs
    if (version !== this.#version) this.#tables.clear()
    this.#version = version
    let tables = this.#tables.get(name)
    if (tables === undefined) {
      tables = this.catalogs.resolve(name)
      this.#tables.set(name, tables)
    }
    return tables
  }

  /** Whether a table is among the tables of some names. */
  has(names: readonly string[], table: TableId): boolean {
    return names.some((name) => this.of(name).has(table))
  }
}
