import { queryStarts, words } from '../keywords.ts'
import type { TokenMap } from '../token-map.ts'

const goesOn = words('UNION INTERSECT EXCEPT ORDER LIMIT OFFSET FETCH FOR')

/** What is nested deeper is not read. */
const MAX_DEPTH = 300

/** Whether the parenthesis at a place holds a query: `(SELECT …)`, `((SELECT …) UNION …)`, but not `((SELECT 1) + 1)`. */
export function startsQuery(map: TokenMap, at: number): boolean {
  let inner = at
  while (map.isSymbol(inner + 1, '(') && inner - at < MAX_DEPTH) inner++
  // VALUES is a function of MySQL too.
  if (!map.isAny(inner + 1, queryStarts) || map.isSymbol(inner + 2, '.')) return false
  if (map.isWord(inner + 1, 'VALUES') && map.dialect === 'mysql' && !map.isWord(inner + 2, 'ROW')) return false
  if (map.isWord(inner + 1, 'TABLE') && map.dialect === 'sqlite') return false
  for (let open = inner; open > at; open--) {
    const after = map.closing(open) + 1
    if (after !== map.closing(open - 1) && !map.isAny(after, goesOn)) return false
  }
  return true
}
