import type { QueryBlock, QueryTree } from '../../sql/tree/query-tree.ts'
import type { ColumnScope } from './column-scope.ts'
import { groundOf, type SelectGround } from './ground.ts'
import type { OneRow } from './one-row.ts'
import { type Output, outputsOf } from './outputs.ts'

/** The rows of a select. */
export interface SelectRows {
  /** The select that reads the tables: itself, or with the derived table as the root. */
  readonly inner: QueryTree
  /** The entries of its FROM. */
  readonly ground: SelectGround
  /** Its columns; `undefined` if one of them combines rows. */
  readonly derived: readonly Output[] | undefined
  /** The columns of the result. */
  readonly outputs: readonly Output[] | undefined
}

/**
 * Reads `SELECT DISTINCT … FROM (SELECT …) x` whose columns are all columns of the derived table's base
 * table. With a unique key of the base table among them, the result has at most one row for each of its rows.
 *
 * @returns `undefined` if the select has another form.
 */
export function distinctRowsOf(tree: QueryTree, scope: ColumnScope, oneRow: OneRow): SelectRows | undefined {
  const { root } = tree
  const [item, ...others] = root.from
  const block = item?.subquery
  if (item === undefined || block === undefined || others.length > 0) return undefined
  if (item.columnNames !== undefined || block.columnNames !== undefined || block.isFenced === true)
    return undefined
  if (!root.isDistinct || block.isDistinct || block.clauses.limit !== undefined) return undefined
  if ([root, block].some((one) => one.aggregates !== undefined || combinesRows(one))) return undefined
  if (root.where.length > 0 || root.subqueries.length > 0 || root.distinctOn.length > 0) return undefined
  if (root.orderBy.some(({ column }) => column === undefined)) return undefined
  const inner = { ...tree, root: block }
  const ground = groundOf(inner, scope, oneRow)
  const derived = ground && outputsOf(block, ground)
  if (ground === undefined || derived === undefined) return undefined
  const outputs = root.outputs.map(({ name, column }) => {
    const [output, ...more] = column === undefined ? [] : derived.filter((one) => mayBe(one, column.column))
    return more.length > 0 || output?.at !== 0 ? undefined : { ...output, name: name ?? column?.column }
  })
  const isWhole = (one: Output | undefined): one is Output => one?.column !== undefined
  return outputs.every(isWhole) ? { inner, ground, derived, outputs } : undefined
}

/** Whether a clause combines rows, or a window function reads several. */
export function combinesRows({ groupBy, having, hasWindows }: QueryBlock): boolean {
  return groupBy.length > 0 || having.length > 0 || hasWindows === true
}

/** Whether a column can have a name, regardless of case. */
function mayBe({ name }: Output, column: string): boolean {
  return name === undefined || name.toLowerCase() === column.toLowerCase()
}
