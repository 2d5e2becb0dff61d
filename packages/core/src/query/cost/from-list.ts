import { notAliases, words } from '../../sql/keywords.ts'
import type { Range, TokenMap } from '../../sql/token-map.ts'
import { readConditions } from './conditions.ts'
import type { JoinType, OutlineJoin, OutlineTable, Predicate } from './outline-types.ts'

const before = words('LATERAL ONLY OR IGNORE LOW_PRIORITY REPLACE ABORT FAIL ROLLBACK')
const joinWords = words('JOIN STRAIGHT_JOIN')
const joinTypes = words('INNER LEFT RIGHT FULL CROSS NATURAL OUTER')

/** The tables of a FROM list (or of an UPDATE): the first one drives, the others are joined to it. */
export function readFrom(map: TokenMap, range: Range): { readonly table: OutlineTable | undefined; readonly joins: OutlineJoin[] } {
  const boundaries: number[] = []
  map.each(range, (at) => {
    if (map.isSymbol(at, ',') || startsJoin(map, at, range.start)) boundaries.push(at)
  })
  const table = readSource(map, range.start, boundaries[0] ?? range.end)?.table
  const joins = boundaries.flatMap((start, index) => readJoin(map, { start, end: boundaries[index + 1] ?? range.end }) ?? [])
  return { table, joins }
}

/** Whether a join starts here: at the first of `LEFT OUTER JOIN`. */
function startsJoin(map: TokenMap, at: number, first: number): boolean {
  if (at > first && map.isAny(at - 1, joinTypes) && !map.isSymbol(at - 2, '.')) return false
  let end = at
  while (map.isAny(end, joinTypes)) end++
  return map.isAny(end, joinWords) && !map.isSymbol(at - 1, '.')
}

function readJoin(map: TokenMap, range: Range): OutlineJoin | undefined {
  let at = range.start
  let type: JoinType = map.isSymbol(at, ',') ? 'CROSS' : 'INNER'
  if (map.isSymbol(at, ',')) at++
  while (at < range.end && (map.isAny(at, joinTypes) || map.isAny(at, joinWords))) {
    const upper = map.tokens[at]?.upper
    if (upper === 'LEFT' || upper === 'RIGHT' || upper === 'FULL' || upper === 'CROSS') type = upper
    at++
  }
  const source = readSource(map, at, range.end)
  if (source === undefined) return undefined
  return { ...range, type, table: source.table, on: readOn(map, { start: source.end, end: range.end }, source.table) }
}

function readOn(map: TokenMap, range: Range, table: OutlineTable): Predicate[] {
  const at = map.find(range, (place) => map.isWord(place, 'ON') || map.isWord(place, 'USING'))
  if (map.isWord(at, 'ON')) return readConditions(map, { start: at + 1, end: range.end })
  if (at >= range.end || !map.isSymbol(at + 1, '(')) return []
  const inner = { start: at + 2, end: map.closing(at + 1) }
  return map
    .split(inner, (place) => map.isSymbol(place, ','))
    .map((part) => {
      const column = map.name(part.start)
      return { ...part, column: { table: table.alias, column }, operator: '=', other: { table: undefined, column }, value: part }
    })
}

function readSource(map: TokenMap, start: number, limit: number): { readonly table: OutlineTable; readonly end: number } | undefined {
  let at = start
  while (at < limit && map.isAny(at, before) && (map.isName(at + 1) || map.isSymbol(at + 1, '('))) at++
  if (at >= limit) return undefined
  let name: readonly string[] = []
  const dotted = map.dotted(at)
  if (map.isSymbol(at, '(')) at = map.closing(at) + 1
  else if (dotted === undefined) return undefined
  else if (map.isSymbol(dotted.end, '(')) at = map.closing(dotted.end) + 1
  else {
    name = dotted.parts
    at = dotted.end
  }
  const named = map.isWord(at, 'AS')
  if (named) at++
  const hasAlias = at < limit && map.isName(at) && (named || !map.isAny(at, notAliases))
  return { table: { name, alias: hasAlias ? map.name(at) : (name.at(-1) ?? '') }, end: hasAlias ? at + 1 : at }
}
