import { words } from '../../sql/keywords.ts'
import type { Token } from '../../sql/tokenize.ts'
import { isLiteral, isSymbol } from './constants.ts'

const listEnds = words('FROM UNION WHERE ORDER LIMIT GROUP HAVING INTO INTERSECT EXCEPT')
const constants = words('NULL TRUE FALSE')
const probes = words(
  'VERSION USER CURRENT_USER SESSION_USER SYSTEM_USER DATABASE SCHEMA CURRENT_DATABASE CURRENT_SCHEMA SQLITE_VERSION',
)
const catalogs = words(
  'INFORMATION_SCHEMA PG_CATALOG SQLITE_MASTER SQLITE_SCHEMA PG_SHADOW PG_USER PG_DATABASE PG_TABLES',
)

/**
 * Whether the UNION at a token, after a WHERE, looks injected: it does not select columns like those of an
 * author.
 */
export function isGraft(tokens: readonly Token[], at: number): boolean {
  let start = at + 1
  while (
    tokens[start]?.upper === 'ALL' ||
    tokens[start]?.upper === 'DISTINCT' ||
    isSymbol(tokens[start], '(')
  )
    start++
  if (tokens[start]?.upper !== 'SELECT') return false
  const { items, end } = itemsOf(tokens, start + 1)
  const fabricated = items.filter(isFabricated).length
  if (fabricated === items.length || items.some(isProbe) || readsCatalog(tokens, end)) return true
  return isNothing(tokens, at - 1) || (isLiteral(tokens[at - 1]) && fabricated * 2 > items.length)
}

function itemsOf(
  tokens: readonly Token[],
  start: number,
): { readonly items: readonly Token[][]; readonly end: number } {
  const items: Token[][] = [[]]
  let depth = 0
  let at = start
  for (; at < tokens.length; at++) {
    const token = tokens[at]
    if (token === undefined) break
    if (isSymbol(token, '(')) depth++
    else if (isSymbol(token, ')')) depth--
    if (
      depth < 0 ||
      (depth === 0 && (isSymbol(token, ';') || (token.kind === 'word' && listEnds.has(token.upper))))
    )
      break
    if (depth === 0 && isSymbol(token, ',')) items.push([])
    else items.at(-1)?.push(token)
  }
  return { items, end: at }
}

/** Whether an item is a literal, or a probe of the server. An item with an alias was written by an author. */
function isFabricated(item: readonly Token[]): boolean {
  const [first, second] = item
  if (item.length === 1) return isLiteral(first) || constants.has(first?.upper ?? '') || isProbe(item)
  // The rest of the original statement.
  if (isLiteral(first) || constants.has(first?.upper ?? ''))
    return second?.upper === 'AND' || second?.upper === 'OR'
  return (item.length === 2 && isSymbol(first, '-') && second?.kind === 'number') || isProbe(item)
}

function isProbe(item: readonly Token[]): boolean {
  return item.some(({ kind, upper, text }, at) => {
    if (kind === 'parameter') return text.startsWith('@@')
    return probes.has(upper) && isSymbol(item[at + 1], '(') && isSymbol(item[at + 2], ')')
  })
}

function readsCatalog(tokens: readonly Token[], from: number): boolean {
  const table = tokens[from]?.upper === 'FROM' ? tokens[from + 1] : undefined
  if (table === undefined) return false
  const name = table.text.toUpperCase()
  return catalogs.has(name) || (name === 'MYSQL' && isSymbol(tokens[from + 2], '.'))
}

/** A value that matches nothing, so that only the injected rows remain: `-1`, `''`. */
function isNothing(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at]
  if (token?.kind === 'string') return token.text === "''"
  return token?.kind === 'number' && isSymbol(tokens[at - 1], '-') && isSymbol(tokens[at - 2], '=')
}
