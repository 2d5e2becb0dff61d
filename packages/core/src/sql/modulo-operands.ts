import { words } from './keywords.ts'
import { labels } from './labels.ts'
import type { ParsedSql } from './tree/parsed-sql.ts'

/** Words between which an operand is complete: none of them belongs to a longer expression around it. */
const before = words(`
  SELECT DISTINCT ALL WHERE AND OR NOT ON BY WHEN THEN ELSE CASE BETWEEN HAVING RETURNING`)
const after = words(`
  AS AND OR FROM WHERE GROUP ORDER HAVING LIMIT OFFSET UNION INTERSECT EXCEPT IS IN NOT BETWEEN ASC DESC NULLS THEN ELSE WHEN END
  RETURNING`)
const symbolsBefore: ReadonlySet<string> = new Set(['(', ',', '=', '<', '>'])
const symbolsAfter: ReadonlySet<string> = new Set([')', ',', '=', '<', '>', '!', ';'])

const NONE: readonly string[] = []

/**
 * The columns that are both operands of a `%`, case-folded, if no other value in the statement has their
 * names. A `%` with a number as one operand adds none. `undefined` if an operand can be something else.
 */
export function moduloColumns({ map, tokens, names, queries }: ParsedSql): readonly string[] | undefined {
  const columns = new Set<string>()
  for (let at = 0; at < tokens.length; at++) {
    if (!map.isSymbol(at, '%')) continue
    const [left, right] = [at - 1, at + 1]
    if (tokens[left]?.kind === 'number' && mayPrecede(left - 1)) continue
    if (tokens[right]?.kind === 'number' && mayFollow(right + 1)) continue
    const start = startOfColumn(left)
    const column = map.column(right)
    if (start === undefined || column === undefined || !mayPrecede(start - 1) || !mayFollow(column.end))
      return undefined
    columns.add(map.name(left)).add(column.ref.column)
  }
  if (columns.size === 0) return NONE
  const hasCalls = tokens.some((_, at) => map.isName(at) && names[at] === 0 && map.isSymbol(at + 1, '('))
  return hasCalls || labels(map, names, queries, columns) ? undefined : [...columns]

  function startOfColumn(last: number): number | undefined {
    let start = last
    while (map.isSymbol(start - 1, '.') && map.isName(start - 2)) start -= 2
    const found = map.column(start)
    return found?.end === last + 1 && !map.isSymbol(start - 1, '.') ? start : undefined
  }
  function mayPrecede(at: number): boolean {
    const token = tokens[at]
    if (token?.kind === 'symbol') return symbolsBefore.has(token.text)
    return token?.kind === 'word' && before.has(token.upper) && !map.isSymbol(at - 1, '.')
  }
  function mayFollow(at: number): boolean {
    const token = tokens[at]
    if (token === undefined) return true
    return token.kind === 'symbol'
      ? symbolsAfter.has(token.text)
      : token.kind === 'word' && after.has(token.upper)
  }
}
