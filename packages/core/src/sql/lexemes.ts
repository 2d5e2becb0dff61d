import * as char from './characters.ts'
import type { LexicalRules } from './dialect.ts'
import { SqlSyntaxError } from './syntax-error.ts'

/** The end of the `--` or `#` comment that starts before `from`: after its line break. */
export function lineCommentEnd(sql: string, from: number, rules: LexicalRules): number {
  for (let i = from; i < sql.length; i++) {
    const code = sql.charCodeAt(i)
    if (code === char.NEWLINE || (code === char.RETURN && rules.returnEndsComment)) return i + 1
  }
  return sql.length
}

/** The end of the block comment whose `/*` is at `start`. */
export function blockCommentEnd(sql: string, start: number, rules: LexicalRules): number {
  if (rules.executableComments && (sql[start + 2] === '!' || sql.startsWith('M!', start + 2)))
    throw new SqlSyntaxError('executable comment')
  let depth = 1
  for (let i = start + 2; i + 1 < sql.length; i++) {
    const code = sql.charCodeAt(i)
    const next = sql.charCodeAt(i + 1)
    if (code === char.ASTERISK && next === char.SLASH) {
      depth--
      if (depth === 0) return i + 2
      i++
    } else if (rules.nestedComments && code === char.SLASH && next === char.ASTERISK) {
      depth++
      i++
    }
  }
  throw new SqlSyntaxError('unterminated comment')
}

/** The end of the token that the quote at `start` opens; a doubled quote represents one quote. */
export function quotedEnd(sql: string, start: number, backslashes: boolean): number {
  const quote = sql.charCodeAt(start)
  for (let i = start + 1; i < sql.length; i++) {
    const code = sql.charCodeAt(i)
    if (code === quote) {
      if (sql.charCodeAt(i + 1) !== quote) return i + 1
      i++
    } else if (backslashes && code === char.BACKSLASH) i++
  }
  throw new SqlSyntaxError(quote === char.QUOTE ? 'unterminated string' : 'unterminated quoted name')
}

/** The end of the `[name]` at `start`. */
export function bracketedEnd(sql: string, start: number): number {
  const end = sql.indexOf(']', start)
  if (end < 0) throw new SqlSyntaxError('unterminated quoted name')
  return end + 1
}

/** The end of the `$tag$ … $tag$` at `start`. */
export function dollarQuotedEnd(sql: string, start: number): number {
  let i = start + 1
  if (char.isNameStart(sql.charCodeAt(i))) {
    while (i < sql.length && sql.charCodeAt(i) !== char.DOLLAR && char.isNamePart(sql.charCodeAt(i))) i++
  }
  if (sql.charCodeAt(i) !== char.DOLLAR) throw new SqlSyntaxError('stray "$"')
  const tag = sql.slice(start, i + 1)
  const end = sql.indexOf(tag, i + 1)
  if (end < 0) throw new SqlSyntaxError('unterminated dollar-quoted string')
  return end + tag.length
}

/** The end of the name, or of the rest of a name, at `start`. */
export function nameEnd(sql: string, start: number): number {
  let i = start
  while (i < sql.length && char.isNamePart(sql.charCodeAt(i))) i++
  return i
}

/** The end of the number at `start`, a digit or a dot. */
export function numberEnd(sql: string, start: number): number {
  let i = start
  const radix = sql.charCodeAt(i + 1) | 32
  if (sql[i] === '0' && (radix === 120 || radix === 111 || radix === 98)) {
    i += 2
    while (isRadixDigit(sql.charCodeAt(i))) i++
    return i
  }
  i = digitsEnd(sql, i)
  if (sql.charCodeAt(i) === char.DOT) i = digitsEnd(sql, i + 1)
  if ((sql.charCodeAt(i) | 32) === 101) {
    const sign = sql[i + 1] === '+' || sql[i + 1] === '-' ? 1 : 0
    if (char.isDigit(sql.charCodeAt(i + 1 + sign))) i = digitsEnd(sql, i + 1 + sign)
  }
  return i
}

function digitsEnd(sql: string, start: number): number {
  let i = start
  while (char.isDigit(sql.charCodeAt(i)) || (sql[i] === '_' && char.isDigit(sql.charCodeAt(i + 1)))) i++
  return i
}

function isRadixDigit(code: number): boolean {
  const letter = code | 32
  return char.isDigit(code) || (letter >= 97 && letter <= 102)
}
