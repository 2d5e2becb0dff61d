import type { ReasonCode } from '../../shared/reasons.ts'
import type { AggregateCall, ConditionNode, QueryBlock, QueryTree } from '../../sql/tree/query-tree.ts'
import { isExactAggregate } from '../aggregate-values.ts'
import { isTotalOrder } from '../total-order.ts'
import type { ColumnScope } from './column-scope.ts'
import { isName } from './names.ts'
import type { OneRow } from './one-row.ts'

/**
 * Aggregates that contain all rows, or whose result does not depend on the order of the rows. As in a list of
 * rows, an order that the statement does not specify is up to the database.
 */
const ANY_ROWS = new Set(
  `count json_agg jsonb_agg json_object_agg jsonb_object_agg json_arrayagg json_objectagg json_group_array json_group_object jsonb_group_array
  jsonb_group_object array_agg string_agg group_concat bool_and bool_or every bit_and bit_or bit_xor`
    .trim()
    .split(/\s+/),
)
/** Aggregates that are exact for columns of some types. */
const TYPED = new Set(['sum', 'avg', 'min', 'max'])

/**
 * Proves that the nested queries of a select return the same for a row of the select in every statement: none
 * groups the rows of an enclosing query, and none lets the database choose among rows.
 */
export class NestedQueries {
  constructor(
    private readonly tree: QueryTree,
    private readonly scope: ColumnScope,
    private readonly oneRow: OneRow,
  ) {}

  /** Returns why the queries nested in a block may return different results. */
  refusal(block: QueryBlock): ReasonCode | undefined {
    for (const { subquery, on } of block.from) {
      const found = (subquery && this.#refusalOf(subquery, false, block)) ?? this.#inConditions(on)
      if (found !== undefined) return found
    }
    for (const subquery of block.subqueries) {
      const found = this.#refusalOf(subquery, true)
      if (found !== undefined) return found
    }
    return this.#inConditions(block.where)
  }

  #inConditions(conditions: readonly ConditionNode[]): ReasonCode | undefined {
    for (const [subquery, isValue] of nestedIn(conditions)) {
      const found = this.#refusalOf(subquery, isValue)
      if (found !== undefined) return found
    }
    return undefined
  }

  /**
   * @param isValue - Whether it may be used as a single value.
   * @param around - The query that reads it as a derived table.
   */
  #refusalOf(block: QueryBlock, isValue: boolean, around?: QueryBlock): ReasonCode | undefined {
    const { kind, isDistinct, distinctOn, groupBy, having, from, clauses, aggregates = [] } = block
    const isPlain =
      kind === 'select' && !isDistinct && distinctOn.length + groupBy.length + having.length === 0
    if (
      !isPlain ||
      !from.every((item) => item.subquery !== undefined || this.scope.tableOf(item) !== undefined)
    )
      return 'SUBQUERY'
    if (block.hasWindows === true && !this.#hasUnreadWindows(block, around)) return 'SUBQUERY'
    if (!aggregates.every((call) => this.#isExact(call, block)) || !this.#isWhollyAggregated(block))
      return 'SUBQUERY'
    const isOne = this.oneRow.holds(block)
    // SQLite takes the first row as the value.
    if (isValue && !isOne && this.tree.dialect === 'sqlite') return 'NONDETERMINISTIC_FIRST_ROW'
    if (clauses.limit !== undefined && !isOne && !this.#isOrdered(block)) return 'NONDETERMINISTIC_FIRST_ROW'
    return this.refusal(block)
  }

  #isExact({ name, args, columns }: AggregateCall, block: QueryBlock): boolean {
    if (columns.length > 0 && !columns.some((column) => this.scope.isOwn(column, block))) return false
    // If a collation treats strings as equal, the first one found stays.
    if (ANY_ROWS.has(name)) return name === 'count' || this.tree.tokens[args.start]?.upper !== 'DISTINCT'
    const [column] = columns
    const isPlain = columns.length === 1 && isName(this.tree.tokens.slice(args.start, args.end))
    const found = isPlain && column !== undefined ? this.scope.columnOf(column, block) : undefined
    return (
      TYPED.has(name) && found !== undefined && isExactAggregate(name, [found.info.type], this.tree.dialect)
    )
  }

  /** Whether no output takes a value from any row of an aggregated query, as SQLite and MySQL allow. */
  #isWhollyAggregated(block: QueryBlock): boolean {
    const { aggregates, outputs } = block
    if (aggregates === undefined) return true
    const aggregated = new Set(aggregates.flatMap(({ columns }) => columns))
    return outputs.every(
      ({ star, columns }) =>
        star === undefined &&
        columns.every((column) => aggregated.has(column) || this.#isOuter(column, block)),
    )
  }

  #isOuter(name: Parameters<ColumnScope['columnOf']>[0], block: QueryBlock): boolean {
    const found = this.scope.columnOf(name, block)
    return found !== undefined && found.block !== block
  }

  /** Whether the first rows are the same every time. */
  #isOrdered(block: QueryBlock): boolean {
    const { from, where, orderBy, hasWindows } = block
    const [item, ...others] = from
    const table = item && this.scope.tableOf(item)
    if (item === undefined || table === undefined || others.length > 0 || hasWindows === true) return false
    const orders: string[] = []
    for (const { column } of orderBy) {
      const isPlain =
        column?.call === undefined && column?.cast === undefined && column?.collation === undefined
      const found = column && isPlain ? this.scope.columnOf(column, block) : undefined
      if (found?.item !== item) return false
      orders.push(found.info.name)
    }
    return isTotalOrder(orders, [...this.oneRow.fixedColumns(item, where, block)], table)
  }

  /**
   * MySQL: whether the window functions of a derived table are outputs without a name, which the query around
   * it does not read. ORMs order rows with them.
   */
  #hasUnreadWindows({ outputs }: QueryBlock, around: QueryBlock | undefined): boolean {
    return (
      this.tree.dialect === 'mysql' &&
      around !== undefined &&
      outputs.every(({ isAggregated, name }) => isAggregated !== true || name === undefined) &&
      around.mentions.every(({ column }) => column !== '*' && !column.includes('('))
    )
  }
}

/** The queries in conditions, and whether they may be used as a single value. */
function* nestedIn(conditions: readonly ConditionNode[]): Generator<readonly [QueryBlock, boolean]> {
  for (const node of conditions) {
    if (node.kind === 'or') for (const arm of node.arms) yield* nestedIn(arm)
    else if (node.kind === 'opaque') for (const subquery of node.subqueries) yield [subquery, true]
    else if (node.kind === 'exists') yield [node.subquery, false]
    else if (node.kind === 'comparison' && node.subquery !== undefined)
      yield [node.subquery, node.operator !== 'in']
  }
}
