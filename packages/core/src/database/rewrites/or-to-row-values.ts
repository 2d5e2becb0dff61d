import { tokenize } from '../../sql/tokenize.ts'
import type {
  ComparisonNode,
  ConditionNode,
  DisjunctionNode,
  QueryTree,
  ValueTerm,
} from '../../sql/tree/query-tree.ts'
import { blocksOf, columnIn, type Rewrite, type RewriteSource, SqlParts } from './rewrite.ts'

/**
 * `a < ? OR (a = ? AND b < ?)` reads an index from its beginning, or does not use it; `(a, b) < (?, ?)`
 * starts at the row. MySQL does the opposite.
 */
export function orToRowValues(source: RewriteSource): readonly Rewrite[] {
  const { tree, index } = source
  if (tree.dialect === 'mysql') return []
  const found: Rewrite[] = []
  for (const block of blocksOf(tree.root)) {
    for (const node of block.where) {
      const keyset = node.kind === 'or' ? keysetOf(node) : undefined
      if (node.kind !== 'or' || keyset === undefined) continue
      const columns = keyset.columns.map((column) => columnIn(block, column, index))
      const [first] = columns
      if (first === undefined || !columns.every((column) => column?.item === first.item)) continue
      const rewrite = rewritten(source, node, keyset)
      if (rewrite !== undefined) found.push(rewrite)
    }
  }
  return found
}

function rewritten(
  { tree, bindings }: RewriteSource,
  node: DisjunctionNode,
  { columns, nodes, operator }: Keyset,
): Rewrite | undefined {
  const parts = new SqlParts(tree)
  const written = nodes.map((all) => all.flatMap(({ sides }) => (sides ? [sides] : [])))
  if (written.some((sides, at) => sides.length < (nodes[at]?.length ?? 0))) return undefined
  const left = written.map(([sides]) => (sides === undefined ? '' : parts.text(sides.column)))
  const values = written.map((sides) => sides.map(({ value }) => parts.text(value)))
  const isSame = values.every((own) => new Set(own).size === 1)
  if (!isSame && bindings !== undefined && !areBoundEqually(nodes, bindings)) return undefined
  const right = values.map(([value]) => value)
  const names = columns.map(({ column }) => column).join(', ')
  const { sql, bound } = withoutGaps(
    parts.all([
      { start: node.start, end: node.end, text: `(${left.join(', ')}) ${operator} (${right.join(', ')})` },
    ]),
    tree,
  )
  return {
    rule: 'or-to-row-values',
    title: 'Compare the columns of the page as one row',
    before: tree.sql,
    after: sql,
    ddl: [],
    ...(bound === undefined ? {} : { bound }),
    isEquivalent: isSame,
    why: `An index on (${names}) is read from the row where the page begins. With OR, the rows before it are read, too.`,
    caveats: isSame
      ? []
      : [
          `It binds each value of (${names}) once: the values that were bound for the same column must be equal.`,
        ],
  }
}

/** A value that is not bound any more leaves a gap in the numbers of the others, which databases refuse. */
function withoutGaps(
  sql: string,
  { dialect, parameters }: QueryTree,
): { readonly sql: string; readonly bound?: readonly number[] } {
  const tokens = tokenize(sql, dialect).filter(({ kind }) => kind === 'parameter')
  const places = tokens.map(({ text }) => Number(text.slice(1)) - 1)
  const bound = [...new Set(places)].sort((a, b) => a - b)
  if (bound.length === parameters || bound.some(Number.isNaN)) return { sql }
  let text = ''
  let end = 0
  for (const [at, token] of tokens.entries()) {
    text += `${sql.slice(end, token.start)}${token.text[0]}${bound.indexOf(places[at] ?? 0) + 1}`
    end = token.end
  }
  return { sql: text + sql.slice(end), bound }
}

/** Whether the values that are bound several times were the same. */
function areBoundEqually(nodes: Keyset['nodes'], bindings: readonly unknown[]): boolean {
  return nodes.every((own) => {
    const values = own.flatMap(({ values: [value] }) =>
      value?.kind === 'parameter' ? [String(bindings[value.place])] : [],
    )
    return new Set(values).size <= 1
  })
}

/** The columns after which a page begins, as `(a, b) < (?, ?)` compares them. */
interface Keyset {
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
