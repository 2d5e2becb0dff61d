import {
  type ColumnName,
  type ConditionNode,
  type FromItem,
  placedIn,
  type QueryBlock,
} from '../../sql/tree/query-tree.ts'
import type { ColumnSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import type { SnapshotIndex } from '../inspectors/snapshot-index.ts'

/** A block and all within it. */
export function* blocksOf(block: QueryBlock, seen: Set<QueryBlock> = new Set()): Generator<QueryBlock> {
  if (seen.has(block)) return
  seen.add(block)
  yield block
  for (const { subquery } of block.from) if (subquery !== undefined) yield* blocksOf(subquery, seen)
  for (const inner of [...block.arms, ...block.subqueries, ...placedIn(conditionsOf(block))])
    yield* blocksOf(inner, seen)
}

export function conditionsOf(block: QueryBlock): readonly ConditionNode[] {
  return [...block.where, ...block.having, ...block.from.flatMap(({ on }) => on)]
}

/** Conditions, those within OR among them. */
export function* eachCondition(conditions: readonly ConditionNode[]): Generator<ConditionNode> {
  for (const condition of conditions) {
    yield condition
    if (condition.kind === 'or') for (const arm of condition.arms) yield* eachCondition(arm)
  }
}

export interface FoundColumn {
  readonly item: FromItem
  readonly table: TableSnapshot
  readonly column: ColumnSnapshot
}

/** The column of a table in the block's own FROM to which a name refers; `undefined` for any other. */
export function columnIn(block: QueryBlock, name: ColumnName, index: SnapshotIndex): FoundColumn | undefined {
  for (const item of block.from) {
    if (name.table !== undefined && index.fold(item.alias) !== index.fold(name.table)) continue
    const table = tableOf(item, index)
    if (table === undefined) {
      // An entry that is not known may have a column of that name.
      return undefined
    }
    const column = index.column(table, name.column)
    if (column !== undefined) return { item, table, column }
  }
  return undefined
}

/** The table of an entry, unless it is a view, or its columns are given other names. */
export function tableOf(item: FromItem, index: SnapshotIndex): TableSnapshot | undefined {
  if (item.table === undefined || item.subquery !== undefined || item.columnNames !== undefined)
    return undefined
  const table = index.table(item.table)
  return table?.kind === 'view' || table?.kind === 'virtual' ? undefined : table
}
