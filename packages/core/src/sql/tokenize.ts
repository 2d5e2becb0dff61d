import * as char from './characters.ts'
import { type Dialect, type LexicalRules, lexicalRules } from './dialect.ts'
import {
  blockCommentEnd,
  bracketedEnd,
  dollarQuotedEnd,
  lineCommentEnd,
  nameEnd,
  numberEnd,
  quotedEnd,
} from './lexemes.ts'
import { SqlSyntaxError } from './syntax-error.ts'

type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'parameter' | 'symbol'

export interface Token {
  readonly kind: TokenKind
  /** As written; for a quoted name, the name without its quotes. */
  readonly text: string
  /** A word in upper case (ASCII letters only); empty for all other kinds. */
  readonly upper: string
  /** Start and end of the token in the source. */
  readonly start: number
  readonly end: number
  /** Set for a quoted name that SQLite may read as a string. */
  readonly mayBeString?: true
}

/** Maximum length of a statement that is parsed: long enough for PostgreSQL's 32,767 parameters. */
export const MAX_SQL_LENGTH = 250_000
export const TOO_LONG = 'statement too long'

/**
 * The tokens of a SQL string, without white space and comments. Symbols are single characters, except for
 * `::`.
 *
 * @throws SqlSyntaxError for unterminated tokens, for tokens that servers read differently (`/*!`, `U&""`,
 * `1from`), and for strings longer than {@link MAX_SQL_LENGTH}.
 */
export function tokenize(sql: string, dialect: Dialect): Token[] {
  if (sql.length > MAX_SQL_LENGTH) throw new SqlSyntaxError(TOO_LONG)
  return new Lexer(sql, lexicalRules[dialect]).run()
}

export function isSymbolToken(token: Token | undefined, text: string): boolean {
  return token?.kind === 'symbol' && token.text === text
}

class Lexer {
  private readonly tokens: Token[] = []
  private at = 0
  private brackets = 0

  constructor(
    private readonly sql: string,
    private readonly rules: LexicalRules,
  ) {}

  run(): Token[] {
    while (this.at < this.sql.length) {
      const code = this.sql.charCodeAt(this.at)
      if (char.isSpace(code)) this.at++
      else if (char.isNameStart(code)) this.word(code)
      else if (char.isDigit(code)) this.number()
      else if (!this.comment(code)) this.other(code)
    }
    return this.tokens
  }

  private add(kind: TokenKind, end: number): void {
    this.tokens.push({ kind, text: this.sql.slice(this.at, end), upper: '', start: this.at, end })
    this.at = end
  }

  private word(first: number): void {
    const { sql, at } = this
    if (this.prefixedString(first)) return
    let end = at
    let lower = false
    let ascii = true
    for (; end < sql.length; end++) {
      const code = sql.charCodeAt(end)
      if (!char.isNamePart(code)) break
      if (code > 127) ascii = false
      else if (char.isLower(code)) lower = true
    }
    const text = sql.slice(at, end)
    const upper = lower ? (ascii ? text.toUpperCase() : char.upperAscii(text)) : text
    this.tokens.push({ kind: 'word', text, upper, start: at, end })
    this.at = end
  }

  private prefixedString(first: number): boolean {
    const { sql, at, rules } = this
    const next = sql.charCodeAt(at + 1)
    if (next === char.QUOTE) {
      const letter = String.fromCharCode(first | 32)
      if (rules.escapeStrings && letter === 'e') {
        const end = quotedEnd(sql, at + 1, true)
        // After a line break, an additional literal continues this one, with the same escapes.
        if (sql.charCodeAt(skipBlanks(sql, end, rules)) === char.QUOTE)
          throw new SqlSyntaxError('continued escape string')
        this.add('string', end)
        return true
      }
      if (rules.stringPrefixes.includes(letter)) {
        this.add('string', quotedEnd(sql, at + 1, rules.backslashes))
        return true
      }
    } else if (rules.escapeStrings && next === char.AMPERSAND && (first | 32) === 117) {
      const quote = sql.charCodeAt(at + 2)
      if (quote === char.DOUBLE_QUOTE) throw new SqlSyntaxError('U&"" name')
      if (quote === char.QUOTE) {
        this.add('string', quotedEnd(sql, at + 2, false))
        return true
      }
    }
    return false
  }

  private number(): void {
    const end = numberEnd(this.sql, this.at)
    if (end < this.sql.length && char.isNamePart(this.sql.charCodeAt(end))) {
      if (!this.rules.looseNames) throw new SqlSyntaxError('letters after a number')
      const start = this.at
      const stop = nameEnd(this.sql, start)
      const text = this.sql.slice(start, stop)
      this.tokens.push({ kind: 'word', text, upper: char.upperAscii(text), start, end: stop })
      this.at = stop
    } else this.add('number', end)
  }

  private comment(code: number): boolean {
    const { sql, at, rules } = this
    const end = commentEnd(sql, at, code, rules)
    this.at = end
    return end !== at
  }

  private other(code: number): void {
    const { sql, at, rules } = this
    switch (code) {
      case char.QUOTE:
        this.add('string', quotedEnd(sql, at, rules.backslashes))
        return
      case char.DOUBLE_QUOTE:
        if (rules.doubleQuotedStrings) this.add('string', quotedEnd(sql, at, rules.backslashes))
        else this.quoted(quotedEnd(sql, at, false), '"')
        return
      case char.BACKTICK:
        if (!rules.backticks) throw new SqlSyntaxError('stray "`"')
        this.quoted(quotedEnd(sql, at, false), '`')
        return
      case char.OPEN_BRACKET:
        if (rules.bracketedNames) {
          this.quoted(bracketedEnd(sql, at), '')
          return
        }
        this.brackets++
        break
      case char.CLOSE_BRACKET:
        this.brackets--
        break
      case char.DOLLAR:
        this.dollar()
        return
      case char.QUESTION:
        this.add('parameter', rules.tclParameters ? digitsFrom(sql, at + 1) : at + 1)
        return
      case char.COLON:
        if (sql.charCodeAt(at + 1) === char.COLON) {
          this.add('symbol', at + 2)
          return
        }
        // In an array slice `[1:n]` the colon precedes an expression.
        if (this.brackets === 0 && char.isNamePart(sql.charCodeAt(at + 1))) {
          this.namedParameter(at + 1)
          return
        }
        break
      case char.AT:
        if (rules.atNames) {
          this.atName()
          return
        }
        break
      case char.HASH:
        if (rules.tclParameters) throw new SqlSyntaxError('stray "#"')
        break
      case char.DOT:
        if (char.isDigit(sql.charCodeAt(at + 1)) && !this.followsName()) {
          this.add('number', numberEnd(sql, at))
          return
        }
        break
    }
    if (!char.isSymbol(code))
      throw new SqlSyntaxError(`unexpected character U+${code.toString(16).padStart(4, '0')}`)
    this.add('symbol', at + 1)
  }

  private quoted(end: number, quote: string): void {
    const raw = this.sql.slice(this.at + 1, end - 1)
    const text = quote !== '' && raw.includes(quote) ? raw.replaceAll(quote + quote, quote) : raw
    const mayBeString = quote === '"' && this.rules.doubleQuotedFallback
    this.tokens.push({
      kind: 'quoted',
      text,
      upper: '',
      start: this.at,
      end,
      ...(mayBeString && { mayBeString }),
    })
    this.at = end
  }

  private dollar(): void {
    const { sql, at, rules } = this
    const next = sql.charCodeAt(at + 1)
    if (rules.looseNames) this.word(char.DOLLAR)
    else if (rules.tclParameters) this.namedParameter(at + 1)
    else if (char.isDigit(next)) {
      const end = digitsFrom(sql, at + 1)
      if (char.isNamePart(sql.charCodeAt(end))) throw new SqlSyntaxError('letters after a parameter')
      this.add('parameter', end)
    } else this.add('string', dollarQuotedEnd(sql, at))
  }

  private namedParameter(from: number): void {
    const end = nameEnd(this.sql, from)
    if (end === from) throw new SqlSyntaxError('parameter without a name')
    if (this.rules.tclParameters && (this.sql[end] === '(' || this.sql.startsWith('::', end)))
      throw new SqlSyntaxError('Tcl variable')
    this.add('parameter', end)
  }

  private atName(): void {
    const { sql, at, rules } = this
    if (rules.tclParameters) {
      this.namedParameter(at + 1)
      return
    }
    const from = sql.charCodeAt(at + 1) === char.AT ? at + 2 : at + 1
    this.add('parameter', nameEnd(sql, from))
  }

  private followsName(): boolean {
    const last = this.tokens.at(-1)
    return last !== undefined && last.end === this.at && (last.kind === 'word' || last.kind === 'quoted')
  }
}

function digitsFrom(sql: string, start: number): number {
  let i = start
  while (char.isDigit(sql.charCodeAt(i))) i++
  return i
}

/** The end of the comment at `at`, or `at` itself if none starts there. */
function commentEnd(sql: string, at: number, code: number, rules: LexicalRules): number {
  if (code === char.DASH && sql.charCodeAt(at + 1) === char.DASH) {
    const after = sql.charCodeAt(at + 2)
    // The end of the string counts as white space, and so do control characters.
    if (!rules.dashesNeedSpace || !(after > 32) || after === 127) return lineCommentEnd(sql, at, rules)
  } else if (code === char.SLASH && sql.charCodeAt(at + 1) === char.ASTERISK)
    return blockCommentEnd(sql, at, rules)
  else if (code === char.HASH && rules.hashComments) return lineCommentEnd(sql, at, rules)
  return at
}

function skipBlanks(sql: string, start: number, rules: LexicalRules): number {
  let i = start
  while (i < sql.length) {
    const code = sql.charCodeAt(i)
    const next = char.isSpace(code) ? i + 1 : commentEnd(sql, i, code, rules)
    if (next === i) break
    i = next
  }
  return i
}
