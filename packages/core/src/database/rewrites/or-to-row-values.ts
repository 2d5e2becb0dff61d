import { tokenize } from '../../sql/tokenize.ts'
import type { DisjunctionNode, QueryTree } from '../../sql/tree/query-tree.ts'
import { type Keyset, keysetOf } from '../keyset.ts'
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
