import type { Dialect } from '../sql/dialect.ts'
import { isOfUnknownSchema, type TableId, tableId, UNKNOWN_SCHEMA } from './catalog-data.ts'

interface NamedTable {
  readonly id: TableId
  readonly name: string
}

const NO_TABLES: readonly TableId[] = []

/** The tables of a catalog that can be identical, because the schema of one of them is unknown. */
export class DuplicateTables {
  readonly #known = new Map<TableId, TableId[]>()
  readonly #hasUnknown: boolean

  constructor(
    private readonly dialect: Dialect,
    private readonly tables: ReadonlyMap<TableId, NamedTable>,
  ) {
    this.#hasUnknown = [...tables.keys()].some(isOfUnknownSchema)
    if (!this.#hasUnknown) return
    for (const table of tables.values()) {
      if (isOfUnknownSchema(table.id)) continue
      const duplicate = this.#unknownId(table)
      const ids = this.#known.get(duplicate)
      if (ids === undefined) this.#known.set(duplicate, [table.id])
      else ids.push(table.id)
    }
  }

  of(id: TableId): readonly TableId[] {
    if (!this.#hasUnknown) return NO_TABLES
    if (isOfUnknownSchema(id)) return this.#known.get(id) ?? NO_TABLES
    const table = this.tables.get(id)
    const duplicate = table && this.#unknownId(table)
    return duplicate !== undefined && this.tables.has(duplicate) ? [duplicate] : NO_TABLES
  }

  #unknownId({ name }: NamedTable): TableId {
    return tableId(this.dialect, undefined, name, UNKNOWN_SCHEMA)
  }
}
