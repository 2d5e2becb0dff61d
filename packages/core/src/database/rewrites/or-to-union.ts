import { quoteName } from '../../sql/dialect.ts'
import { statementOf } from '../../sql/statement.ts'
import type { DisjunctionNode, QueryBlock } from '../../sql/tree/query-tree.ts'
import type { SnapshotIndex } from '../inspectors/database-snapshot.ts'
import { keysetOf } from '../keyset.ts'
import { columnIn, type Rewrite, type RewriteSource, SqlParts } from './rewrite.ts'

const MAX_ARMS = 4

/**
 * Each arm of an OR with a separate index: one query for each, which excludes the rows of the earlier ones.
 */
export function orToUnion({ tree, index }: RewriteSource): readonly Rewrite[] {
  const { root, dialect, tokens, sql } = tree
  const { where, outputs, from } = root.clauses
  if (
    where === undefined ||
    outputs === undefined ||
    from === undefined ||
    !isPlain(root) ||
    tokens[0]?.upper !== 'SELECT' ||
    root.end !== tokens.length
  )
    return []
  const isCut = root.limit !== undefined || root.offset !== undefined
  if (isCut && root.orderBy.length === 0) return []
  const node = root.where.find((condition) => condition.kind === 'or')
  if (
    node === undefined ||
    node.kind !== 'or' ||
    node.arms.length > MAX_ARMS ||
    keysetOf(node) !== undefined ||
    !comparesDifferentColumns(root, node, index)
  )
    return []
  const { volatile, functions, locks } = statementOf(sql, tokens, dialect)
  if (volatile || functions.size > 0 || locks) return []
  const parts = new SqlParts(tree)
  if (dialect === 'postgresql' && !parts.isNumbered) return []
  const order = orderOf(root, index, dialect)
  if (order === undefined) return []
  const head = parts.text({ start: 0, end: where.start - 1 })
  const queries = node.ranges.map((_, at) => {
    const own = node.ranges
      .slice(0, at + 1)
      .map((range, place) => (place < at ? `(${parts.text(range)}) IS NOT TRUE` : `(${parts.text(range)})`))
    const condition = parts.edited(where, [
      { start: node.start, end: node.end, text: `(${own.reverse().join(' AND ')})` },
    ])
    return `${head} WHERE ${condition}`
  })
  const limit = root.clauses.limit === undefined ? '' : ` ${parts.text(root.clauses.limit)}`
  return [
    {
      rule: 'or-to-union',
      title: 'One query for each side of the OR',
      before: sql,
      after: queries.join(' UNION ALL ') + order + limit,
      ddl: [],
      isEquivalent: !isCut,
      why: 'The sides of the OR filter different columns, so no single index serves both. As separate queries, each can use its own index.',
      caveats: [
        'UNION ALL, not UNION: each query excludes the rows of the previous ones by `IS NOT TRUE`, so that no row is returned twice and equal rows remain.',
        ...(isCut ? ['Among rows that are equal in the order, LIMIT can return different ones.'] : []),
        'It is only faster if every side has a selective index.',
        ...(parts.isNumbered
          ? []
          : [
              'The values are bound in the order of the text: those of the other conditions once for each query.',
            ]),
      ],
    },
  ]
}

function isPlain(block: QueryBlock): boolean {
  const { kind, isDistinct, groupBy, having, hasWindows, outputs, orderBy, clauses, from } = block
  if (
    kind !== 'select' ||
    isDistinct ||
    groupBy.length > 0 ||
    having.length > 0 ||
    hasWindows ||
    from.length === 0
  )
    return false
  return (
    !outputs.some(({ isAggregated }) => isAggregated) &&
    (orderBy.length === 0) === (clauses.orderBy === undefined)
  )
}

/** Whether each arm begins with a condition that an index may serve, and not all on one column. */
function comparesDifferentColumns(
  root: QueryBlock,
  { arms }: DisjunctionNode,
  index: SnapshotIndex,
): boolean {
  const compared = arms.map((arm) => {
    const [first] = arm.filter((condition) => condition.kind === 'comparison')
    if (
      first === undefined ||
      first.negated ||
      first.operator === '<>' ||
      first.other !== undefined ||
      first.column.call !== undefined
    )
      return undefined
    const found = columnIn(root, first.column, index)
    return found === undefined ? undefined : `${found.item.alias}\0${found.column.name}`
  })
  return compared.every((column) => column !== undefined) && new Set(compared).size > 1
}

/** ORDER BY of a union names its outputs. */
function orderOf(
  root: QueryBlock,
  index: SnapshotIndex,
  dialect: RewriteSource['tree']['dialect'],
): string | undefined {
  if (root.orderBy.length === 0) return ''
  const terms: string[] = []
  for (const { column, descending, nulls } of root.orderBy) {
    if (
      column === undefined ||
      column.call !== undefined ||
      column.cast !== undefined ||
      column.collation !== undefined
    )
      return undefined
    const found = columnIn(root, column, index)
    if (found === undefined) return undefined
    const isStar = root.outputs.length === 1 && root.outputs[0]?.star !== undefined && root.from.length === 1
    const place = root.outputs.findIndex((output) => {
      const own = output.column === undefined ? undefined : columnIn(root, output.column, index)
      return own !== undefined && own.item === found.item && own.column === found.column
    })
    if (!isStar && (place < 0 || root.outputs.some(({ star }) => star !== undefined))) return undefined
    const name = isStar ? quoteName(found.column.name, dialect) : String(place + 1)
    terms.push(
      `${name}${descending ? ' DESC' : ''}${nulls === undefined ? '' : ` NULLS ${nulls.toUpperCase()}`}`,
    )
  }
  return ` ORDER BY ${terms.join(', ')}`
}
