import { words } from '../keywords.ts'
import type { Range, TokenMap } from '../token-map.ts'

/** Words around a value that is returned or sorted unchanged. */
const before = words('SELECT DISTINCT ALL BY')
const after = words('AS FROM ASC DESC LIMIT UNION ORDER WHERE HAVING GROUP')
/** Functions that read only the time of a time. */
const timeFunctions = words('COUNT HOUR MINUTE SECOND TIME_TO_SEC TIME_FORMAT')
/** Symbols of a comparison. */
const comparing: ReadonlySet<string> = new Set(['=', '<', '>'])

/**
 * The columns and functions whose values are compared or converted: a `TIME` among them may be completed with
 * the current date.
 */
interface MysqlTimes {
  /** Whether a value that is a `TIME` in any case is compared or converted. */
  readonly mayReadClock: boolean
  readonly columns: readonly string[]
}

export function mysqlTimes(map: TokenMap, names: readonly number[], queries: readonly Range[]): MysqlTimes {
  const columns = new Set<string>()
  let mayReadClock = false
  /** The parentheses around a token. */
  const open: number[] = []
  for (const { start, end } of queries)
    for (let at = start; at < end; at++) {
      if (map.isSymbol(at, '(')) open.push(at)
      else if (map.isSymbol(at, ')')) open.pop()
      if (!map.isName(at) || names[at] === 1) continue
      const around = open.at(-1)
      const isTime = map.isWord(at, 'TIME')
      if (isTime && map.tokens[at + 1]?.kind === 'string') {
        if (!isUnchanged(map, at, at + 2, around)) mayReadClock = true
      } else if (map.isSymbol(at + 1, '(')) {
        const closing = map.closing(at + 1)
        const isCast = map.isAny(at, words('CAST CONVERT')) && map.isWord(lastWord(map, closing), 'TIME')
        if ((isTime || isCast) && !isUnchanged(map, at, closing + 1, around)) mayReadClock = true
      } else if (!map.isSymbol(at + 1, '.') && !isUnchanged(map, startOf(map, at), at + 1, around))
        columns.add(map.foldedName(at))
    }
  return { mayReadClock, columns: [...columns] }
}

/** The last word of a conversion's arguments: `CAST(x AS TIME(3))`. */
function lastWord(map: TokenMap, closing: number): number {
  return map.isSymbol(closing - 1, ')') ? closing - 4 : closing - 1
}

function startOf(map: TokenMap, at: number): number {
  let start = at
  while (map.isSymbol(start - 1, '.') && map.isName(start - 2)) start -= 2
  return start
}

/** Whether a value is returned, sorted, or compared with a literal or a bound value. */
function isUnchanged(map: TokenMap, start: number, end: number, around: number | undefined): boolean {
  const isFirst = start === 0 || map.isSymbol(start - 1, ',') || map.isAny(start - 1, before)
  const isLast =
    end >= map.tokens.length ||
    [',', ')', ';'].some((text) => map.isSymbol(end, text)) ||
    map.isAny(end, after)
  const isListed = around === undefined || map.startsQuery(around)
  if (isFirst && isLast && isListed) return true
  if (map.isSymbol(start - 1, '(') && map.isSymbol(end, ')') && map.isAny(start - 2, timeFunctions))
    return true
  return isCompared(map, start, end)
}

function isCompared(map: TokenMap, start: number, end: number): boolean {
  let at = end
  while (comparing.has(map.tokens[at]?.text ?? '')) at++
  const kind = map.tokens[at]?.kind
  const isPlain = at > end && (kind === 'string' || kind === 'parameter')
  const next = map.tokens[at + 1]
  const isWhole = next === undefined || next.kind === 'word' || next.text === ')' || next.text === ';'
  return (
    isPlain &&
    isWhole &&
    (map.isAny(start - 1, words('WHERE AND OR ON NOT HAVING')) || map.isSymbol(start - 1, '('))
  )
}
