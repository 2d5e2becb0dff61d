import type { ColumnType } from '../../schema/catalog-data.ts'
import type { Range } from '../../sql/token-map.ts'
import type { ConditionNode, FromItem, QueryBlock, QueryTree } from '../../sql/tree/query-tree.ts'
import type { ColumnScope } from './column-scope.ts'

/** Types whose unique values no comparison treats as equal. */
const COMPARED_TYPES: ReadonlySet<ColumnType> = new Set<ColumnType>(['integer', 'uuid'])

/** Proves by unique keys that parts of a query have at most one row. */
export class OneRow {
  constructor(
    private readonly tree: QueryTree,
    private readonly scope: ColumnScope,
  ) {}

  /**
   * Whether a nested query returns at most one row for each row of the enclosing query, regardless of its
   * limit.
   */
  holds(block: QueryBlock): boolean {
    const { from, where, groupBy, aggregates = [] } = block
    if (block.kind !== 'select') return false
    if (aggregates.length > 0 && groupBy.length === 0) return true
    return from.every((item, at) => {
      if (item.join === 'right' || item.join === 'full') return false
      return this.#ofItem(item, at === 0 ? where : item.on, block)
    })
  }

  /** Whether an entry of FROM has at most one row for each combination of the entries before it. */
  joins(item: FromItem, block: QueryBlock): boolean {
    return this.#ofItem(item, item.on, block)
  }

  /**
   * Returns the columns of a table that certain conditions fix to one value, while the rows of the entries
   * before it and of enclosing queries stay the same.
   */
  fixedColumns(item: FromItem, conditions: readonly ConditionNode[], block: QueryBlock): ReadonlySet<string> {
    const fixed = new Set<string>()
    for (const node of conditions) {
      if (node.kind !== 'comparison' || node.operator !== '=' || node.negated || node.isNullSafe === true)
        continue
      const { column, other, sides } = node
      if (column.call !== undefined || column.cast !== undefined || column.collation !== undefined) continue
      const left = this.scope.columnOf(column, block)
      const right = other && this.scope.columnOf(other, block)
      const [own, value] = left?.item === item ? [left, right] : [right, left]
      if (own?.item !== item || !COMPARED_TYPES.has(own.info.type)) continue
      const isFixed =
        other === undefined
          ? left === own && sides !== undefined && this.#isValue(sides.value)
          : value?.info.type === own.info.type &&
            isBefore(value.item, item, value.block === block ? block : undefined)
      if (isFixed) fixed.add(own.info.name)
    }
    return fixed
  }

  #ofItem(item: FromItem, conditions: readonly ConditionNode[], block: QueryBlock): boolean {
    if (item.subquery !== undefined) return this.holds(item.subquery)
    const table = this.scope.tableOf(item)
    if (table === undefined) return false
    const fixed = this.fixedColumns(item, conditions, block)
    return [table.primaryKey, ...table.uniqueKeys].some(
      (key) => key.length > 0 && key.every((column) => fixed.has(column)),
    )
  }

  /** MySQL compares a string with a number by its value, so that several integers can equal one parameter. */
  #isValue({ start, end }: Range): boolean {
    const { tokens, dialect } = this.tree
    const kind = end - start === 1 ? tokens[start]?.kind : undefined
    return kind === 'number' || (kind === 'parameter' && dialect !== 'mysql')
  }
}

/** @param block - The query that has both; `undefined` if an enclosing query has the first. */
function isBefore(first: FromItem, item: FromItem, block: QueryBlock | undefined): boolean {
  return block === undefined || block.from.indexOf(first) < block.from.indexOf(item)
}
