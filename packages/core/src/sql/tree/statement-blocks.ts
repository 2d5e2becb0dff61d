import type { Range, TokenMap } from '../token-map.ts'
import type { ParsedSql } from './parsed-sql.ts'
import { type ComparisonNode, type ConditionNode, placedIn, type QueryBlock } from './query-tree.ts'

const kinds: ReadonlySet<QueryBlock['kind']> = new Set(['select', 'set-operation', 'update', 'delete'])

/**
 * Returns every SELECT, UPDATE, DELETE and set operation of a string, at any depth: those outside parentheses
 * first, the others in source order.
 */
export function statementBlocks({ roots, map }: Pick<ParsedSql, 'roots' | 'map'>): readonly QueryBlock[] {
  return roots.flatMap((root) => blocksOf(root, map))
}

function blocksOf(root: QueryBlock, map: TokenMap): readonly QueryBlock[] {
  const found = new Set<QueryBlock>()
  const waiting = [root]
  for (let block = waiting.pop(); block !== undefined; block = waiting.pop()) {
    if (found.has(block)) continue
    found.add(block)
    const { arms, from, where, having, subqueries } = block
    const conditions = [...where, ...having, ...from.flatMap(({ on }) => on)]
    const derived = from.flatMap(({ subquery }) => subquery ?? [])
    for (const inner of [...arms, ...subqueries, ...derived, ...placedIn(conditions)]) waiting.push(inner)
  }
  const outermost = new Set(outerArms(root, map))
  const byPlace = [...found].filter(({ kind }) => kinds.has(kind)).sort((a, b) => a.start - b.start)
  return [
    ...byPlace.filter((block) => outermost.has(block)),
    ...byPlace.filter((block) => !outermost.has(block)),
  ]
}

function outerArms(block: QueryBlock, map: TokenMap): QueryBlock[] {
  return [
    block,
    ...block.arms.flatMap((arm) => (map.isSymbol(arm.start - 1, '(') ? [] : outerArms(arm, map))),
  ]
}

/** Returns the number of joins of a string, commas included. */
export function joinCountOf(blocks: readonly QueryBlock[]): number {
  return blocks.reduce((sum, { from }) => sum + Math.max(0, from.length - 1), 0)
}

/** Whether a query outputs all columns of a table. */
export function hasStar({ kind, outputs }: QueryBlock): boolean {
  return kind === 'select' && outputs.some(({ star }) => star !== undefined)
}

/** One of several conditions that all hold, without the parentheses around it. */
export interface Conjunct extends Range {
  /** Set if the condition compares a plain column. */
  readonly comparison?: ComparisonNode
  /** The tokens of the column and of its value, if the condition consists of these two sides. */
  readonly sides?: NonNullable<ComparisonNode['sides']>
}

export function conjunctsOf(map: TokenMap, conditions: readonly ConditionNode[]): readonly Conjunct[] {
  return conditions.map((node) => {
    const range = map.unwrapped(node)
    if (node.kind !== 'comparison' || !isPlain(node)) return range
    return isWhole(node.sides, range)
      ? { ...range, comparison: node, sides: node.sides }
      : { ...range, comparison: node }
  })
}

function isPlain({ operator, column: { call, cast, collation }, sides }: ComparisonNode): boolean {
  // A column without a comparison is also a condition, but has no value.
  if (operator === '=' && sides === undefined) return false
  return call === undefined && cast === undefined && collation === undefined
}

function isWhole(
  sides: ComparisonNode['sides'],
  { start, end }: Range,
): sides is NonNullable<ComparisonNode['sides']> {
  return (
    sides !== undefined &&
    Math.min(sides.column.start, sides.value.start) === start &&
    Math.max(sides.column.end, sides.value.end) === end
  )
}

/** Whether a comparison is `column = value`, for which NULL equals nothing. */
export function isEquality({ operator, negated, isNullSafe }: ComparisonNode): boolean {
  return operator === '=' && !negated && isNullSafe !== true
}
