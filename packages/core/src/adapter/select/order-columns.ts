import type { ColumnInfo } from '../../schema/catalog-data.ts'
import type { HelperColumns } from './helper-columns.ts'
import { isName } from './names.ts'
import type { SelectFacts } from './select-facts.ts'

/** A column of ORDER BY. */
export interface OrderColumn {
  readonly info: ColumnInfo
  /** The column as written. */
  readonly text: string
  /** Its direction, and the position of nulls. */
  readonly direction: string
}

/** Adds the columns of an order to a table, and returns the ORDER BY of the table; empty without an order. */
export function orderOf(table: string, orders: readonly OrderColumn[], columns: HelperColumns): string {
  const terms = orders.map(
    ({ text, direction }) => `${table}.${columns.add('sluice_order', text).name}${direction}`,
  )
  return terms.length === 0 ? '' : `order by ${terms.join(', ')}`
}

const AFTER_NAME = new Set(['ASC', 'DESC', 'NULLS'])

/** Returns the columns of ORDER BY; `undefined` unless each is certainly a column of the base table. */
export function orderColumnsOf({
  tree,
  ground,
  outputs = [],
}: SelectFacts): readonly OrderColumn[] | undefined {
  const { root, tokens, sql } = tree
  const orders: OrderColumn[] = []
  for (const { column, descending, nulls, start, end } of root.orderBy) {
    const written = tokens.slice(start, end)
    const after = written.findIndex(({ upper }) => AFTER_NAME.has(upper))
    const name = after === -1 ? written : written.slice(0, after)
    const { at, info } = (column && ground.columnOf(column)) ?? {}
    if (at !== 0 || info === undefined || !isName(name)) return undefined
    // A name can refer to an output, and PostgreSQL names outputs after the columns of subqueries.
    const isShadowed = outputs.some(
      (output) =>
        (output.name ?? info.name).toLowerCase() === info.name.toLowerCase() && output.column !== info.name,
    )
    if (name.length === 1 && (isShadowed || name[0]?.text.toLowerCase() !== info.name.toLowerCase()))
      return undefined
    const direction = `${descending ? ' desc' : ''}${nulls === undefined ? '' : ` nulls ${nulls}`}`
    orders.push({ info, text: sql.slice(name[0]?.start, name.at(-1)?.end), direction })
  }
  return orders
}
