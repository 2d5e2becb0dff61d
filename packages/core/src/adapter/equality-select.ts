import type { Dialect } from '../sql/dialect.ts'
import type { Token } from '../sql/tokenize.ts'
import type {
  ColumnName,
  ComparisonNode,
  OrderTerm,
  OutputTerm,
  QueryBlock,
  QueryTree,
} from '../sql/tree/query-tree.ts'
import { tryReadQueryTree } from '../sql/tree/read-sql.ts'
import { aggregateOutput } from './select/aggregate-output.ts'

/**
 * A column as the statement names it, in the parts of its path: `['p', 'id']` for `p.id`. `*` stands for all
 * columns.
 */
export interface SelectColumn {
  readonly path: readonly string[]
  /** Its alias in the result, if it has one. */
  readonly alias?: string
}

export interface SelectAggregate extends SelectColumn {
  readonly name: 'count' | 'sum' | 'avg' | 'min' | 'max'
  readonly isDistinct: boolean
}

export interface SelectOrder {
  readonly path: readonly string[]
  readonly descending: boolean
}

/** A condition on a plain column that is not an equality. */
export interface SelectCondition {
  readonly path: readonly string[]
  readonly operator: '<>' | '<' | '<=' | '>' | '>=' | 'between' | 'in' | 'is null' | 'is not null'
  /** Only of `between` and `in`. */
  readonly negated: boolean
}

/**
 * A select of one table by equality: the facts that an adapter needs to write the same query for many keys.
 */
export interface EqualitySelect {
  readonly table: SelectColumn
  /** The columns that are each equal to one value, at least one. */
  readonly keys: readonly (readonly string[])[]
  /** The other conditions, combined with AND, in their order. */
  readonly conditions: readonly SelectCondition[]
  /** The columns of the result; empty if it has aggregates. */
  readonly columns: readonly SelectColumn[]
  readonly aggregates: readonly SelectAggregate[]
  readonly order: readonly SelectOrder[]
  readonly isLimited: boolean
}

/**
 * The comment to append to a fix that writes `value` for the values of the other conditions: it has one value
 * for all keys. Empty if no condition has a value.
 */
export function sameValueNote(conditions: readonly SelectCondition[]): string {
  const hasValue = conditions.some(({ operator }) => operator !== 'is null' && operator !== 'is not null')
  return hasValue ? '  // if value is the same for all keys' : ''
}

/** Reads a select by equality; `undefined` for every other statement. */
export function readEqualitySelect(sql: string, dialect: Dialect): EqualitySelect | undefined {
  const tree = tryReadQueryTree(sql, dialect)
  if (tree === undefined) return undefined
  const { root, tokens } = tree
  const table = isPlain(tree) ? tableOf(root) : undefined
  const comparisons = root.where.map((node) =>
    node.kind === 'comparison' && isOfBareColumn(node) ? node : undefined,
  )
  const order = root.orderBy.map(orderOf)
  if (table === undefined || !areKnown(comparisons) || !areKnown(order)) return undefined
  const nodes: readonly ComparisonNode[] = comparisons
  const keys = nodes.filter(isEquality).map(({ column }) => pathOf(column))
  const conditions = nodes.filter((node) => !isEquality(node)).map(conditionOf)
  if (keys.length === 0 || !areKnown(conditions)) return undefined
  const isLimited = root.limit !== undefined || root.clauses.limit !== undefined
  const base = { table, keys, conditions, order, isLimited }
  const aggregates = root.outputs.map((output) => aggregateOf(output, tokens))
  if (areKnown(aggregates)) return { ...base, columns: [], aggregates }
  const columns = root.outputs.map(columnOf)
  return areKnown(columns) ? { ...base, columns, aggregates: [] } : undefined
}

function isPlain({ root, tokens, writes }: QueryTree): boolean {
  const { clauses, having, groupBy, subqueries, isDistinct, offset } = root
  if (root.kind !== 'select' || writes.length > 0 || tokens[0]?.upper !== 'SELECT') return false
  if (
    clauses.lock !== undefined ||
    clauses.windows !== undefined ||
    root.hasWindows === true ||
    offset !== undefined
  )
    return false
  return (
    !isDistinct &&
    having.length === 0 &&
    groupBy.length === 0 &&
    subqueries.length === 0 &&
    root.outputs.length > 0
  )
}

function tableOf({ from: [item, ...others] }: QueryBlock): SelectColumn | undefined {
  if (item?.table === undefined || item.subquery !== undefined || others.length > 0) return undefined
  return item.alias === item.table.at(-1) ? { path: item.table } : { path: item.table, alias: item.alias }
}

/** Whether it compares a plain column with literals and parameters, or with NULL. */
function isOfBareColumn({ column, other, values, subquery, isNullSafe }: ComparisonNode): boolean {
  const isBare = column.call === undefined && column.cast === undefined && column.collation === undefined
  const areValues = values.every(
    (value) => value.kind === 'literal' || (value.kind === 'parameter' && value.isArray !== true),
  )
  return isBare && areValues && other === undefined && subquery === undefined && isNullSafe !== true
}

function isEquality({ operator, negated, values }: ComparisonNode): boolean {
  return operator === '=' && !negated && values.length === 1
}

const RANGES = new Set<string>(['<>', '<', '<=', '>', '>='])

function conditionOf({ column, operator, negated, values }: ComparisonNode): SelectCondition | undefined {
  const isKnown =
    operator === 'is null' || operator === 'is not null'
      ? values.length === 0 && !negated
      : operator === 'between'
        ? values.length === 2
        : operator === 'in'
          ? values.length > 0
          : RANGES.has(operator) && values.length === 1 && !negated
  return isKnown
    ? { path: pathOf(column), operator: operator as SelectCondition['operator'], negated }
    : undefined
}

function orderOf({ column, descending, nulls }: OrderTerm): SelectOrder | undefined {
  if (column === undefined || nulls !== undefined) return undefined
  if (column.call !== undefined || column.cast !== undefined || column.collation !== undefined)
    return undefined
  return { path: pathOf(column), descending }
}

function columnOf({ star, column, name, aggregate, isAggregated }: OutputTerm): SelectColumn | undefined {
  if (star !== undefined) return { path: [...qualifierOf(star.schema, star.of), '*'] }
  if (column === undefined || aggregate !== undefined || isAggregated === true) return undefined
  return name === undefined || name === column.column
    ? { path: pathOf(column) }
    : { path: pathOf(column), alias: name }
}

function aggregateOf(output: OutputTerm, tokens: readonly Token[]): SelectAggregate | undefined {
  const found = aggregateOutput(output, tokens)
  if (found === undefined || found.isCast || found.isZeroed) return undefined
  const { name, isDistinct, column, isNamed } = found
  const alias = isNamed ? output.name : undefined
  const path = column === undefined ? ['*'] : pathOf(column)
  return { name, isDistinct, path, ...(alias === undefined ? {} : { alias }) }
}

function pathOf({ schema, table, column }: ColumnName): readonly string[] {
  return [...qualifierOf(schema, table), column]
}

function qualifierOf(schema: string | undefined, table: string | undefined): readonly string[] {
  return table === undefined ? [] : schema === undefined ? [table] : [schema, table]
}

function areKnown<T>(items: readonly (T | undefined)[]): items is readonly T[] {
  return items.every((item) => item !== undefined)
}
