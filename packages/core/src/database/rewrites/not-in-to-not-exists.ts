import { quoteName } from '../../sql/dialect.ts'
import type { ComparisonNode, QueryBlock } from '../../sql/tree/query-tree.ts'
import {
  blocksOf,
  columnIn,
  eachCondition,
  type FoundColumn,
  type Rewrite,
  type RewriteSource,
  SqlParts,
} from './rewrite.ts'

/** One NULL in the list of NOT IN, and no row is found at all. */
export function notInToNotExists({ tree, index }: RewriteSource): readonly Rewrite[] {
  const found: Rewrite[] = []
  for (const block of blocksOf(tree.root)) {
    for (const condition of eachCondition(block.where)) {
      if (condition.kind !== 'comparison' || !condition.negated || condition.operator !== 'in') continue
      const rewrite = rewritten({ tree, index }, block, condition)
      if (rewrite !== undefined) found.push(rewrite)
    }
  }
  return found
}

function rewritten(
  { tree, index }: Pick<RewriteSource, 'tree' | 'index'>,
  block: QueryBlock,
  condition: ComparisonNode,
): Rewrite | undefined {
  const { dialect } = tree
  const { subquery, column } = condition
  if (
    subquery === undefined ||
    condition.output !== undefined ||
    column.call !== undefined ||
    column.cast !== undefined
  )
    return undefined
  if (!isSimple(subquery) || column.collation !== undefined) return undefined
  const [output] = subquery.outputs
  const outer = columnIn(block, column, index)
  const inner = output?.column === undefined ? undefined : columnIn(subquery, output.column, index)
  if (
    outer === undefined ||
    inner === undefined ||
    output === undefined ||
    !mayBeNull(subquery, inner, index)
  )
    return undefined
  // Inside, the outer table must still be called by its name.
  if (subquery.from.some(({ alias }) => index.fold(alias) === index.fold(outer.item.alias))) return undefined
  const name = ({ item, column: own }: FoundColumn) =>
    `${quoteName(item.alias, dialect)}.${quoteName(own.name, dialect)}`
  const equality = `${name(inner)} = ${name(outer)}`
  const parts = new SqlParts(tree)
  const { where, from } = subquery.clauses
  const last = where?.end ?? from?.end ?? subquery.end
  const query = parts.edited(subquery, [
    { start: output.start, end: output.end, text: '1' },
    ...(where === undefined
      ? [{ start: last, end: last, text: ` WHERE ${equality}` }]
      : [{ ...where, text: `(${parts.text(where)}) AND ${equality}` }]),
  ])
  const isOuterNullable = outer.column.nullable
  return {
    rule: 'not-in-to-not-exists',
    title: 'NOT EXISTS instead of NOT IN',
    before: tree.sql,
    after: parts.all([{ start: condition.start, end: condition.end, text: `NOT EXISTS (${query})` }]),
    ddl: [],
    isEquivalent: false,
    why: `${inner.table.name}.${inner.column.name} can be NULL. If one value is NULL, NOT IN matches no row, and the database cannot look up the rows individually.`,
    caveats: [
      `With a NULL in ${inner.table.name}.${inner.column.name} it finds the rows that NOT IN hides, which is probably intended.`,
      ...(isOuterNullable
        ? [
            `Rows without a ${outer.column.name} also match; add \`AND ${name(outer)} IS NOT NULL\` to exclude them.`,
          ]
        : []),
    ],
  }
}

function isSimple(block: QueryBlock): boolean {
  const { kind, outputs, groupBy, having, limit, offset, from, hasWindows } = block
  if (kind !== 'select' || outputs.length !== 1 || from.length === 0 || hasWindows) return false
  return groupBy.length === 0 && having.length === 0 && limit === undefined && offset === undefined
}

function mayBeNull(block: QueryBlock, { item, column }: FoundColumn, index: RewriteSource['index']): boolean {
  const isOuter = block.from.some(({ join }) => join === 'left' || join === 'right' || join === 'full')
  if (!column.nullable && !isOuter) return false
  return !block.where.some((condition) => {
    if (condition.kind !== 'comparison' || condition.operator !== 'is not null') return false
    const found = columnIn(block, condition.column, index)
    return found !== undefined && found.item === item && found.column === column
  })
}
