import { lowerAscii } from '../characters.ts'
import { words } from '../keywords.ts'
import type { Range, TokenMap } from '../token-map.ts'

/** Functions that read a string as a time. */
export const sqliteTimes: ReadonlySet<string> = words('DATE TIME DATETIME JULIANDAY UNIXEPOCH STRFTIME')

/**
 * Each nested call would search all calls within it: a call with more than this many tokens counts as reading
 * the clock.
 */
const MAX_TOKENS = 200
const numberFunctions = words(
  'ABS ROUND LENGTH COUNT SUM AVG TOTAL UNICODE INSTR CEIL CEILING FLOOR MOD POWER SQRT SIGN JULIANDAY UNIXEPOCH',
)
const dateFunctions = words('DATE TIME DATETIME')
const choices = words('MIN MAX COALESCE IFNULL NULLIF')
const numberTypes = words('INT INTEGER BIGINT SMALLINT REAL NUMERIC FLOAT DOUBLE DECIMAL')
/** Only numbers can be read in these ways. */
const numberModifiers: ReadonlySet<string> = new Set(["'unixepoch'", "'julianday'"])
const CLOCK = /^'(?:now|subsec|subsecond)'$/
/** A character that no word for the clock contains. */
const OTHER_CHARACTER = /[^nowsubecd]/

/**
 * Whether a call of a date function reads the clock, or may read it: its time is omitted, or can be the
 * string `'now'`. Any column can contain a string.
 */
export function mayReadSqliteClock(upper: string, map: TokenMap, args: Range): boolean {
  if (args.end - args.start > MAX_TOKENS) return true
  const parts = map.split(args, (at) => map.isSymbol(at, ','))
  const at = upper === 'STRFTIME' ? 1 : 0
  const [time, modifier] = [parts[at], parts[at + 1]]
  if (time === undefined) return true
  if (modifier !== undefined && modifier.end - modifier.start === 1) {
    const { kind, text } = map.tokens[modifier.start] ?? {}
    if (kind === 'string' && numberModifiers.has(lowerAscii(text ?? ''))) return false
  }
  return !isNeverNow(map, time)
}

/** Whether an expression never has the value `'now'`. */
function isNeverNow(map: TokenMap, range: Range): boolean {
  const { start, end } = map.unwrapped(range)
  const first = map.tokens[start]
  if (first === undefined) return false
  if (end - start === 1)
    return (
      first.kind === 'number' ||
      first.upper === 'NULL' ||
      (first.kind === 'string' && !CLOCK.test(lowerAscii(first.text)))
    )
  const tops: number[] = []
  map.each({ start, end }, (at) => tops.push(at))
  if (tops.some((at) => map.isSymbol(at, '|'))) return tops.some((at) => isOtherString(map, at))
  if (tops.some((at) => isArithmetic(map, at, start))) return true
  const isCall = first.kind === 'word' && map.isSymbol(start + 1, '(') && map.closing(start + 1) === end - 1
  return isCall && isNeverNowCall(map, first.upper, { start: start + 2, end: end - 1 })
}

function isNeverNowCall(map: TokenMap, upper: string, args: Range): boolean {
  // They return a number or a time, and read the clock themselves if at all.
  if (numberFunctions.has(upper) || dateFunctions.has(upper)) return true
  const parts = map.split(args, (at) => map.isSymbol(at, ','))
  if (upper === 'STRFTIME')
    return parts[0] !== undefined && map.tokens[parts[0].start]?.text.includes('%') === true
  if (upper === 'CAST') return map.isAny(args.end - 1, numberTypes) && map.isWord(args.end - 2, 'AS')
  return choices.has(upper) && parts.every((part) => isNeverNow(map, part))
}

/** A literal with which a longer string is not the name of the clock. */
function isOtherString(map: TokenMap, at: number): boolean {
  const token = map.tokens[at]
  return (
    token?.kind === 'string' &&
    token.text.startsWith("'") &&
    OTHER_CHARACTER.test(lowerAscii(token.text.slice(1, -1)))
  )
}

/** An operator whose result is a number. */
function isArithmetic(map: TokenMap, at: number, start: number): boolean {
  if (at === start || map.isSymbol(at + 1, '>')) return false
  return ['+', '-', '*', '/', '%'].some((text) => map.isSymbol(at, text))
}
