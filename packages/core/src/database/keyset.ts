import type { ComparisonNode, ConditionNode, DisjunctionNode, ValueTerm } from '../sql/tree/query-tree.ts'

/** The columns after which a page begins, as `(a, b) < (?, ?)` compares them. */
export interface Keyset {
  readonly columns: readonly ComparisonNode['column'][]
  readonly operator: '<' | '<=' | '>' | '>='
  /** For each column, the nodes of its values; the first columns are compared several times. */
  readonly nodes: readonly (readonly ComparisonNode[])[]
  readonly values: readonly ValueTerm[]
}

/**
 * Reads `a < ? OR (a = ? AND b < ?)` as `(a, b) < (?, ?)`; `undefined` for any other OR, and if the columns
 * have different directions.
 */
export function keysetOf(node: DisjunctionNode): Keyset | undefined {
  const arms = [...node.arms].sort((a, b) => lengthOf(a) - lengthOf(b))
  const [first, second] = arms
  const bound = first === undefined ? undefined : only(first)
  if (bound === undefined || (bound.operator !== '<' && bound.operator !== '>') || second === undefined)
    return undefined
  const rests = arms.slice(1).map((arm) => withoutEquality(arm, bound))
  const equal = rests.flatMap((rest) => rest?.equality ?? [])
  const [after, ...others] = rests.map((rest) => rest?.conditions)
  if (equal.length < rests.length || after === undefined) return undefined
  const inner = others.length === 0 ? restOf(after) : keysetOf(alternatives(node, [after, ...others]))
  if (inner === undefined || inner.operator[0] !== bound.operator) return undefined
  return {
    columns: [bound.column, ...inner.columns],
    operator: inner.operator,
    nodes: [[bound, ...equal], ...inner.nodes],
    values: [bound.values[0] as ValueTerm, ...inner.values],
  }
}

function alternatives(
  { kind, ranges, start, end }: DisjunctionNode,
  arms: readonly (readonly ConditionNode[] | undefined)[],
): DisjunctionNode {
  return { kind, arms: arms.map((arm) => arm ?? []), ranges, start, end }
}

function lengthOf(arm: readonly ConditionNode[]): number {
  return arm.reduce((sum, node) => sum + (node.kind === 'or' ? 2 : 1), 0)
}

/** An arm without the equality of the column that the first arm is about. */
function withoutEquality(
  arm: readonly ConditionNode[],
  { column }: ComparisonNode,
): { readonly equality: ComparisonNode; readonly conditions: readonly ConditionNode[] } | undefined {
  const equality = arm.find(
    (node): node is ComparisonNode =>
      node.kind === 'comparison' && node.operator === '=' && isKnown(node) && isSame(node.column, column),
  )
  return equality && { equality, conditions: arm.filter((node) => node !== equality) }
}

/** The part after the equality: a comparison, or a keyset of the columns that follow. */
function restOf(conditions: readonly ConditionNode[]): Keyset | undefined {
  const [node, another] = conditions
  if (another !== undefined) return undefined
  if (node?.kind === 'or') return keysetOf(node)
  const last = only(conditions)
  const [value] = last?.values ?? []
  if (last === undefined || value === undefined) return undefined
  const { operator } = last
  if (operator !== '<' && operator !== '<=' && operator !== '>' && operator !== '>=') return undefined
  return { columns: [last.column], operator, nodes: [[last]], values: [value] }
}

function only(conditions: readonly ConditionNode[]): ComparisonNode | undefined {
  const [node, another] = conditions
  return node?.kind === 'comparison' && another === undefined && isKnown(node) ? node : undefined
}

/** A plain column that is compared with one value. */
function isKnown({ column, values, other, negated, subquery, isNullSafe }: ComparisonNode): boolean {
  const isPlain = column.call === undefined && column.cast === undefined && column.collation === undefined
  const [value] = values
  const isValue = value?.kind === 'parameter' || value?.kind === 'literal'
  const isOne = values.length === 1 && isValue && other === undefined && subquery === undefined
  return isPlain && isOne && !negated && isNullSafe !== true
}

function isSame(a: ComparisonNode['column'], b: ComparisonNode['column']): boolean {
  return a.column === b.column && a.table === b.table
}
