import type { OutputTerm, QueryTree } from '../../sql/tree/query-tree.ts'

const AGGREGATES = /^(COUNT|SUM|AVG|TOTAL|GROUP_CONCAT|STRING_AGG|ARRAY_AGG|JSON_\w*AGG|OVER|FILTER)$/

/** `min(x)` or `max(x)` of a plain column as an output, also within `coalesce(max(x), 0)`. */
export function extremeOf(
  { tokens }: Pick<QueryTree, 'tokens'>,
  { start, end, columns, isAggregated }: OutputTerm,
): 'min' | 'max' | undefined {
  if (isAggregated !== true || columns.length !== 1) return undefined
  const own = tokens.slice(start, end)
  if (own.some(({ upper }) => AGGREGATES.test(upper ?? ''))) return undefined
  const calls = own.flatMap(({ upper }, at) =>
    (upper === 'MIN' || upper === 'MAX') && own[at + 1]?.text === '(' ? [at] : [],
  )
  const [at] = calls
  if (at === undefined || calls.length > 1) return undefined
  const close = own.findIndex(({ text }, place) => place > at && text === ')')
  const inner = own.slice(at + 2, close)
  const isName = inner.every(({ kind, text }, place) =>
    place % 2 === 1 ? text === '.' : kind === 'word' || kind === 'quoted',
  )
  if (!isName || inner.length % 2 === 0) return undefined
  return own[at]?.upper === 'MIN' ? 'min' : 'max'
}
