import type { CatalogTable, SchemaCatalog } from '../../schema/catalog.ts'
import type { ColumnInfo } from '../../schema/catalog-data.ts'
import type { ColumnName, FromItem, OutputTerm, QueryBlock } from '../../sql/tree/query-tree.ts'

/** A column of an entry of FROM. */
export interface ScopedColumn {
  /** The query that has the entry. */
  readonly block: QueryBlock
  readonly item: FromItem
  /** The column of the base table. */
  readonly info: ColumnInfo
}

/** Finds the tables to which names in a query and its nested queries refer. */
export class ColumnScope {
  /**
   * By query and column: the outputs that can have the name. Without it, the steps double with each level.
   */
  readonly #outputs = new WeakMap<QueryBlock, Map<string, readonly OutputTerm[]>>()

  constructor(private readonly catalog: SchemaCatalog) {}

  /** Returns the base table of an entry of FROM; `undefined` for anything else. */
  tableOf({ table, subquery }: FromItem): CatalogTable | undefined {
    if (table === undefined || subquery !== undefined) return undefined
    return this.catalog.baseTable(this.catalog.idOf(table))
  }

  /**
   * Returns the column to which a name in a query refers, through derived tables; `undefined` if it is not
   * certain, or not a column of a base table.
   */
  columnOf(name: ColumnName, block: QueryBlock): ScopedColumn | undefined {
    for (let at: QueryBlock | undefined = block; at !== undefined; at = at.parent) {
      const [item, ...others] = this.#candidates(name, at)
      if (item === undefined) continue
      const info = others.length === 0 && isExact(name, item) ? this.#infoOf(item, name.column) : undefined
      return info && { block: at, item, info }
    }
    return undefined
  }

  /** Whether a name in a query certainly refers to an entry of its own FROM, not of an enclosing query. */
  isOwn(name: ColumnName, block: QueryBlock): boolean {
    const candidates = this.#candidates(name, block)
    if (name.table !== undefined)
      return candidates.length > 0 && candidates.every((item) => isExact(name, item))
    if (candidates.some((item) => this.#infoOf(item, name.column) !== undefined)) return true
    // PostgreSQL: the alias of a row stands for the whole row, unless any visible column has this name.
    if (!block.from.some(({ alias }) => alias === name.column)) return false
    for (let at: QueryBlock | undefined = block; at !== undefined; at = at.parent)
      if (this.#candidates(name, at).length > 0) return false
    return true
  }

  /** The entries of FROM to which a name can refer. */
  #candidates({ table, column }: ColumnName, block: QueryBlock): readonly FromItem[] {
    return block.from.filter((item) =>
      table === undefined ? this.#mayHave(item, column) : areSame(item.alias, table),
    )
  }

  #mayHave(item: FromItem, column: string): boolean {
    const { subquery, columnNames } = item
    if (columnNames !== undefined) return true
    if (subquery !== undefined) return this.#outputsOf(subquery, column).length > 0
    const table = this.tableOf(item)
    return table === undefined || table.columns.some(({ name }) => areSame(name, column))
  }

  #infoOf(item: FromItem, column: string): ColumnInfo | undefined {
    const { subquery, columnNames } = item
    if (columnNames !== undefined) return undefined
    if (subquery === undefined) return this.tableOf(item)?.columns.find(({ name }) => name === column)
    const [output, ...others] = this.#outputsOf(subquery, column)
    if (output === undefined || others.length > 0) return undefined
    if (output.star === undefined)
      return output.name === column && output.column !== undefined
        ? this.columnOf(output.column, subquery)?.info
        : undefined
    const [inner, ...more] = itemsOf(output, subquery).filter((one) => this.#mayHave(one, column))
    return inner === undefined || more.length > 0 ? undefined : this.#infoOf(inner, column)
  }

  #outputsOf(block: QueryBlock, column: string): readonly OutputTerm[] {
    let known = this.#outputs.get(block)
    if (known === undefined) {
      known = new Map()
      this.#outputs.set(block, known)
    }
    let outputs = known.get(column)
    if (outputs === undefined) {
      outputs = this.#namedOutputsOf(block, column)
      known.set(column, outputs)
    }
    return outputs
  }

  #namedOutputsOf(block: QueryBlock, column: string): readonly OutputTerm[] {
    return block.outputs.filter((output) => {
      const { star, name, isAggregated } = output
      if (star !== undefined) return itemsOf(output, block).some((item) => this.#mayHave(item, column))
      if (name !== undefined) return areSame(name, column)
      // MySQL names a call as it is written.
      return !(this.catalog.dialect === 'mysql' && isAggregated === true) || column.includes('(')
    })
  }
}

/** The entries of FROM whose columns `*` or `t.*` contains. */
function itemsOf({ star }: OutputTerm, { from }: QueryBlock): readonly FromItem[] {
  return from.filter(({ alias }) => star?.of === undefined || areSame(alias, star.of))
}

/** Whether a qualifier is certainly that of an entry: databases compare the case of aliases differently. */
function isExact({ schema, table }: ColumnName, { alias }: FromItem): boolean {
  return schema === undefined && (table === undefined || table === alias)
}

function areSame(left: string, right: string): boolean {
  return left === right || left.toLowerCase() === right.toLowerCase()
}
