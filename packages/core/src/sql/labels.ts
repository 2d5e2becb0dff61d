import { words } from './keywords.ts'
import type { Range, TokenMap } from './token-map.ts'

/** Words before a column in an expression. */
const before = words(`
  SELECT DISTINCT ALL WHERE AND OR NOT ON BY WHEN THEN ELSE CASE BETWEEN HAVING IN LIKE ILIKE IS FROM USING RETURNING ESCAPE ANY SOME`)
/** Words after one. */
const after = words(`
  AS AND OR NOT FROM WHERE GROUP ORDER HAVING LIMIT OFFSET UNION INTERSECT EXCEPT IS IN LIKE ILIKE BETWEEN ASC DESC NULLS THEN ELSE WHEN
  END AT COLLATE OVER FILTER FOR WINDOW FETCH ON INNER LEFT RIGHT FULL CROSS JOIN NATURAL`)

/** Whether a statement may also give one of these names to another value: `SELECT … AS name`. */
export function labels(
  map: TokenMap,
  names: readonly number[],
  queries: readonly Range[],
  columns: ReadonlySet<string>,
): boolean {
  if (columns.size === 0) return false
  for (const { start, end } of queries)
    for (let at = start; at < end; at++)
      if (map.isName(at) && columns.has(map.name(at)) && !isColumn(map, names, at)) return true
  return false
}

function isColumn(map: TokenMap, names: readonly number[], at: number): boolean {
  const [previous, next] = [map.tokens[at - 1], map.tokens[at + 1]]
  if (map.isSymbol(at + 1, '(')) return false
  if (map.isSymbol(at + 1, '.')) return true
  if (names[at] === 1) return false
  if (map.isName(at + 1) && !(next?.kind === 'word' && after.has(next.upper))) return false
  if (previous?.kind === 'symbol') return ![')', ']'].includes(previous.text)
  return previous?.kind === 'word' && before.has(previous.upper)
}
