import type { QueryBlock, QueryTree } from '../../sql/tree/query-tree.ts'
import { blocksOf, type Edit, type Rewrite, type RewriteSource, SqlParts } from './rewrite.ts'

/** Meaning of a comparison of a count with a number; `undefined` if it depends on the number of rows. */
const tests: Readonly<Record<string, 'any' | 'none'>> = {
  '> 0': 'any',
  '>= 1': 'any',
  '<> 0': 'any',
  '!= 0': 'any',
  '= 0': 'none',
  '< 1': 'none',
  '<= 0': 'none',
  '0 <': 'any',
  '1 <=': 'any',
  '0 <>': 'any',
  '0 !=': 'any',
  '0 =': 'none',
  '1 >': 'none',
  '0 >=': 'none',
}
/** Words that a condition may follow, or that may follow one. */
const before = new Set('WHERE AND OR NOT SELECT WHEN THEN ELSE ON HAVING ( ,'.split(' '))
const after = new Set(
  'AND OR THEN ELSE END WHEN GROUP ORDER LIMIT OFFSET UNION HAVING FROM AS RETURNING FETCH ) , ;'.split(' '),
)

/** A count that is compared with 0 counts every row to find out that there is one. */
export function countToExists({ tree }: RewriteSource): readonly Rewrite[] {
  const found: Edit[] = []
  for (const block of blocksOf(tree.root)) {
    if (!isPlainCount(tree, block)) continue
    const edit = block.parent === undefined && block === tree.root ? undefined : comparedCount(tree, block)
    if (edit !== undefined) found.push(edit)
  }
  const parts = new SqlParts(tree)
  const edits = outermost(found)
  const rewritten = [...grouped(tree), ...whole(tree, parts)]
  if (edits.length > 0) rewritten.unshift(shown(tree, parts.all(edits)))
  return rewritten
}

function shown(tree: QueryTree, text: string): Rewrite {
  return {
    rule: 'count-to-exists',
    title: 'Use EXISTS instead of a count',
    before: tree.sql,
    after: text,
    ddl: [],
    isEquivalent: true,
    why: 'count(*) reads every matching row; EXISTS stops at the first one.',
    caveats: [],
  }
}

/** A single, plain `count(*)`. */
function isPlainCount(tree: QueryTree, block: QueryBlock): boolean {
  const { kind, outputs, groupBy, having, limit, offset, isDistinct, from } = block
  const [output] = outputs
  if (kind !== 'select' || outputs.length !== 1 || output === undefined || isDistinct || from.length === 0)
    return false
  if (groupBy.length > 0 || having.length > 0 || limit !== undefined || offset !== undefined) return false
  return isCount(tree, output.start) && output.end === output.start + 4
}

/** `count ( * )`. */
function isCount({ tokens }: QueryTree, at: number): boolean {
  return (
    tokens[at]?.upper === 'COUNT' &&
    tokens[at + 1]?.text === '(' &&
    tokens[at + 2]?.text === '*' &&
    tokens[at + 3]?.text === ')'
  )
}

/** `(SELECT count(*) …) > 0` as EXISTS. */
function comparedCount(tree: QueryTree, block: QueryBlock): Edit | undefined {
  const { tokens } = tree
  const [open, close] = [block.start - 1, block.end]
  if (tokens[open]?.text !== '(' || tokens[close]?.text !== ')') return undefined
  const comparison = compared(tree, open, close + 1)
  const output = block.outputs[0]
  if (comparison === undefined || output === undefined) return undefined
  const inner = new SqlParts(tree).edited({ start: open, end: close + 1 }, [
    { start: output.start, end: output.end, text: '1' },
  ])
  return { ...comparison, text: `${comparison.expects === 'any' ? '' : 'NOT '}EXISTS ${inner}` }
}

/** The comparison with a number that contains an operand, from one token to another. */
function compared(
  tree: QueryTree,
  start: number,
  end: number,
): { start: number; end: number; expects: 'any' | 'none' } | undefined {
  const { tokens } = tree
  const text = (at: number) => tokens[at]?.upper || tokens[at]?.text || ''
  // The AND may be that of a BETWEEN.
  if (tokens.some(({ upper }) => upper === 'BETWEEN')) return undefined
  for (const length of [1, 2]) {
    const sign = (from: number) => Array.from({ length }, (_, at) => text(from + at)).join('')
    const right = tests[`${sign(end)} ${text(end + length)}`]
    const isSplit = length === 1 && '=<>'.includes(text(end + 1)) && text(end + 1) !== ''
    const stop = end + length + 1
    if (
      right !== undefined &&
      !isSplit &&
      before.has(text(start - 1)) &&
      (stop >= tokens.length || after.has(text(stop)))
    )
      return { start, end: stop, expects: right }
    const from = start - length - 1
    const left = tests[`${text(from)} ${sign(start - length)}`]
    if (
      left !== undefined &&
      from > 0 &&
      before.has(text(from - 1)) &&
      (end >= tokens.length || after.has(text(end)))
    )
      return { start: from, end, expects: left }
  }
  return undefined
}

/** `GROUP BY x HAVING count(*) > 0`: every group has a row. */
function grouped(tree: QueryTree): readonly Rewrite[] {
  const { root } = tree
  const { having } = root.clauses
  if (
    root.kind !== 'select' ||
    root.groupBy.length === 0 ||
    having === undefined ||
    root.groupBy.some(({ end, start }) => end === start)
  )
    return []
  if (
    !isCount(tree, having.start) ||
    tree.tokens.some(({ upper }) => upper === 'SETS' || upper === 'ROLLUP' || upper === 'CUBE')
  )
    return []
  const comparison = compared(tree, having.start, having.start + 4)
  if (comparison === undefined || comparison.expects !== 'any' || comparison.end !== having.end) return []
  const text = new SqlParts(tree).all([{ start: having.start - 1, end: having.end, text: '' }])
  return [
    {
      ...shown(tree, text.replace(/ {2,}/g, ' ').trim()),
      title: 'Remove a condition that is always true',
      why: 'Every group has at least one row, so the condition matches all of them.',
    },
  ]
}

/** `SELECT count(*) > 0 FROM …`. */
function whole(tree: QueryTree, parts: SqlParts): readonly Rewrite[] {
  const { root, tokens } = tree
  const [output] = root.outputs
  if (
    root.kind !== 'select' ||
    root.outputs.length !== 1 ||
    output === undefined ||
    root.from.length === 0 ||
    root.isDistinct
  )
    return []
  if (
    root.groupBy.length > 0 ||
    root.having.length > 0 ||
    root.limit !== undefined ||
    root.offset !== undefined ||
    root.orderBy.length > 0
  )
    return []
  if (root.start !== 0 || tokens[output.start - 1]?.upper !== 'SELECT' || !isCount(tree, output.start))
    return []
  const comparison = compared(tree, output.start, output.start + 4)
  const from = root.clauses.from
  if (
    comparison === undefined ||
    comparison.end > output.end ||
    from === undefined ||
    root.end !== tokens.length
  )
    return []
  if (tokens.slice(root.clauses.where?.end ?? from.end).length > 0) return []
  const alias =
    comparison.end === output.end ? '' : ` ${parts.text({ start: comparison.end, end: output.end })}`
  const rest = parts.text({ start: from.start - 1, end: root.end })
  return [
    shown(tree, `SELECT ${comparison.expects === 'any' ? '' : 'NOT '}EXISTS (SELECT 1 ${rest})${alias}`),
  ]
}

/** Edits that are within none of the others, in the order of the text. */
function outermost(edits: readonly Edit[]): readonly Edit[] {
  return edits
    .filter(
      (edit) => !edits.some((other) => other !== edit && other.start <= edit.start && other.end >= edit.end),
    )
    .sort((one, other) => one.start - other.start)
}
