import { lowerAscii, upperAscii } from './characters.ts'
import { isRelativeDate, isVolatileWord, volatilityOf } from './functions.ts'
import { callSuffixes, notFunctions, words } from './keywords.ts'
import type { Range } from './token-map.ts'
import type { Token } from './tokenize.ts'
import type { ParsedSql } from './tree/parsed-sql.ts'

const sequenceParts = words('NEXTVAL CURRVAL')
const sequenceValues = words('NEXT PREVIOUS')

/** What a text does besides reading and writing tables. */
export interface Calls {
  /** The functions that are not known to be pure. */
  readonly functions: ReadonlySet<string>
  /** Whether a result depends on more than tables. */
  readonly volatile: boolean
  /** Why its effects are unknown. */
  readonly opaque: string | undefined
}

/** The calls of a text's queries and writes. A name before a parenthesis is a call unless the parser took it for something else. */
export function callsOf(parsed: ParsedSql): Calls {
  const reader = new CallReader(parsed)
  for (const range of parsed.queries) reader.read(range)
  return reader
}

class CallReader implements Calls {
  readonly functions: Set<string> = new Set()
  volatile: boolean
  opaque: string | undefined

  constructor(private readonly parsed: ParsedSql) {
    this.volatile = parsed.volatile
  }

  read({ start, end }: Range): void {
    const { tokens, dialect, names } = this.parsed
    for (let at = start; at < end; at++) {
      const token = tokens[at]
      if (token === undefined) return
      if (token.kind === 'word' || token.kind === 'quoted') {
        if (names[at] === 0) at = this.#name(at, token)
      } else if (token.kind === 'string') {
        if (dialect === 'postgresql' && isRelativeDate(token.text)) this.volatile = true
      } else if (token.kind === 'parameter' && dialect === 'mysql' && token.text.startsWith('@')) this.volatile = true
    }
  }

  /** Reads a name with its dots, and returns the place of its last token. */
  #name(at: number, first: Token): number {
    const { map, tokens, dialect } = this.parsed
    // The field of a row: `(row).field`.
    if (at > 0 && map.isSymbol(at - 1, '.')) return at
    let end = at
    while (map.isSymbol(end + 1, '.') && map.isName(end + 2)) end += 2
    if (end > at) {
      // Of a sequence, in `sql_mode = ORACLE`; elsewhere a column.
      if (dialect === 'mysql' && sequenceParts.has(upperAscii(tokens[end]?.text ?? ''))) this.volatile = true
      if (map.isSymbol(end + 1, '(')) this.#call(at, end)
    } else if (first.upper === 'AS' && !map.isSymbol(at + 1, '.')) {
      // A label or a type follows, and PostgreSQL takes any word for a label.
      if (map.isName(at + 1)) return at + 1
    } else if (map.isSymbol(at + 1, '(') && !this.#isKeyword(at, first)) this.#call(at, at)
    else if (first.kind === 'word') this.#word(at, first.upper)
    return end
  }

  #word(at: number, upper: string): void {
    const { map, dialect } = this.parsed
    if (isVolatileWord(upper, dialect)) this.volatile = true
    else if (upper === 'REGEXP' && dialect === 'sqlite') this.functions.add('regexp')
    else if (upper === 'TABLESAMPLE' && dialect === 'postgresql') this.volatile = true
    else if (upper === 'FOR' && map.isWord(at - 1, 'VALUE') && map.isAny(at - 2, sequenceValues)) this.opaque ??= 'value of a sequence'
  }

  #isKeyword(at: number, { kind, upper }: Token): boolean {
    if (kind === 'quoted') return false
    return notFunctions[this.parsed.dialect].has(upper) || (callSuffixes.has(upper) && this.parsed.map.isSymbol(at - 1, ')'))
  }

  /** Notes a call whose name starts at one place and ends at another. */
  #call(start: number, end: number): void {
    const { map, tokens, dialect } = this.parsed
    const last = map.name(end)
    if (lowerAscii(last) === 'set_config') this.opaque ??= 'set_config()'
    const isPlain = start === end && tokens[start]?.kind === 'word'
    const args = isPlain && dialect === 'sqlite' ? tokens.slice(end + 2, map.closing(end + 1)) : []
    const volatility = isPlain ? volatilityOf(upperAscii(last), dialect, args) : 'unknown'
    if (volatility === 'volatile') this.volatile = true
    if (volatility !== 'unknown') return
    const parts: string[] = []
    for (let at = start; at <= end; at += 2) parts.push(map.name(at))
    this.functions.add(dialect === 'postgresql' ? parts.join('.') : lowerAscii(parts.join('.')))
  }
}
