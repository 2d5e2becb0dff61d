import type { Dialect } from '../../sql/dialect.ts'
import type { Token } from '../../sql/tokenize.ts'

const BEFORE = new Set(['FROM', 'JOIN', 'UPDATE', 'INTO', 'STRAIGHT_JOIN'])
const NO_ALIAS = new Set([
  ...[
    'WHERE',
    'ON',
    'USING',
    'JOIN',
    'LEFT',
    'RIGHT',
    'INNER',
    'FULL',
    'CROSS',
    'NATURAL',
    'GROUP',
    'ORDER',
    'LIMIT',
    'OFFSET',
    'SET',
    'VALUES',
  ],
  ...[
    'UNION',
    'EXCEPT',
    'INTERSECT',
    'HAVING',
    'WINDOW',
    'RETURNING',
    'FOR',
    'INDEXED',
    'NOT',
    'FORCE',
    'USE',
    'IGNORE',
    'SELECT',
    'FETCH',
    'PARTITION',
  ],
])

/**
 * Which table each alias of a statement stands for, by the alias in lower case: the name's parts as written.
 * One alias of two tables is the first.
 */
export function tablesByAlias(
  tokens: readonly Token[],
  dialect: Dialect,
): ReadonlyMap<string, readonly string[]> {
  const tables = new Map<string, readonly string[]>()
  const fold = ({ kind, text }: Token) =>
    kind === 'word' && dialect === 'postgresql' ? text.toLowerCase() : text
  const isName = (token: Token | undefined): token is Token =>
    token?.kind === 'word' || token?.kind === 'quoted'
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token
    // After a comma it may as well be a column: no plan has that for a table.
    const begins =
      (token.kind === 'word' && BEFORE.has(token.upper)) || (token.kind === 'symbol' && token.text === ',')
    if (!begins) continue
    let next = at + 1
    while (tokens[next]?.text === '(' || ['ONLY', 'LATERAL'].includes(tokens[next]?.upper ?? '')) next++
    const name: string[] = []
    for (let part = tokens[next]; isName(part); part = tokens[next]) {
      name.push(fold(part))
      next++
      if (tokens[next]?.text !== '.') break
      next++
    }
    if (name.length === 0) continue
    if (tokens[next]?.upper === 'AS') next++
    const alias = tokens[next]
    const isAlias = isName(alias) && !NO_ALIAS.has(alias.upper)
    const called = (isAlias ? fold(alias) : (name.at(-1) ?? '')).toLowerCase()
    if (!tables.has(called)) tables.set(called, name)
  }
  return tables
}
