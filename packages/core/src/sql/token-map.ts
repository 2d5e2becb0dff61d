import { lowerAscii } from './characters.ts'
import type { Dialect } from './dialect.ts'
import { queryStarts, words } from './keywords.ts'
import type { Token } from './tokenize.ts'

/** Tokens from `start` (inclusive) to `end` (exclusive). */
export interface Range {
  readonly start: number
  readonly end: number
}

export interface ColumnRef {
  readonly table: string | undefined
  readonly column: string
}

/** Words that continue a query after a part of it in parentheses. */
const continuations = words('UNION INTERSECT EXCEPT ORDER LIMIT OFFSET FETCH FOR')
/** Tokens with their parentheses matched. */
export class TokenMap {
  /** The index of each opening parenthesis's closing parenthesis; 0 for other tokens. */
  readonly #closing: readonly number[]
  /** Known results by the index of a parenthesis: each is examined once, regardless of nesting. */
  readonly #queries: Map<number, boolean> = new Map()

  constructor(
    readonly tokens: readonly Token[],
    readonly dialect: Dialect,
  ) {
    const closing = new Array<number>(tokens.length).fill(0)
    const open: number[] = []
    for (let at = 0; at < tokens.length; at++) {
      const token = tokens[at]
      if (token?.kind !== 'symbol') continue
      if (token.text === '(') open.push(at)
      else if (token.text === ')') {
        const start = open.pop()
        if (start !== undefined) closing[start] = at
      }
    }
    this.#closing = closing
  }

  /** The index of the parenthesis that closes the one at an index; the index itself if it is not closed. */
  closing(at: number): number {
    return this.#closing[at] || at
  }

  isWord(at: number, upper: string): boolean {
    return this.tokens[at]?.upper === upper
  }

  isAny(at: number, set: ReadonlySet<string>): boolean {
    const token = this.tokens[at]
    return token?.kind === 'word' && set.has(token.upper)
  }

  isSymbol(at: number, text: string): boolean {
    const token = this.tokens[at]
    return token?.kind === 'symbol' && token.text === text
  }

  isName(at: number): boolean {
    const kind = this.tokens[at]?.kind
    return kind === 'word' || kind === 'quoted'
  }

  /**
   * Whether the parenthesis at an index contains a query: `(SELECT …)`, `((SELECT …) UNION …)`, but not
   * `((SELECT 1) + 1)`.
   */
  startsQuery(at: number): boolean {
    let open = at
    while (this.isSymbol(open + 1, '(') && !this.#queries.has(open)) open++
    let found = this.#queries.get(open) ?? this.#holdsQueryWord(open)
    this.#queries.set(open, found)
    for (; open > at; open--) {
      const after = this.closing(open) + 1
      found &&= after === this.closing(open - 1) || this.isAny(after, continuations)
      this.#queries.set(open - 1, found)
    }
    return found
  }

  #holdsQueryWord(at: number): boolean {
    if (!this.isAny(at + 1, queryStarts) || this.isSymbol(at + 2, '.')) return false
    // In MySQL, VALUES is also a function.
    if (this.isWord(at + 1, 'VALUES') && this.dialect === 'mysql' && !this.isWord(at + 2, 'ROW')) return false
    return !(this.isWord(at + 1, 'TABLE') && this.dialect === 'sqlite')
  }

  /** A range without the parentheses around it; the parentheses of a query belong to the query. */
  unwrapped({ start, end }: Range): Range {
    let inner = { start, end }
    while (
      this.isSymbol(inner.start, '(') &&
      this.closing(inner.start) === inner.end - 1 &&
      !this.isWord(inner.start + 1, 'SELECT')
    )
      inner = { start: inner.start + 1, end: inner.end - 1 }
    return inner
  }

  /**
   * Visits the tokens of a range outside parentheses; an opening parenthesis is visited, its content is not.
   */
  each({ start, end }: Range, visit: (at: number) => void): void {
    for (let at = start; at < end; at++) {
      visit(at)
      if (this.isSymbol(at, '(')) at = this.closing(at)
    }
  }

  /** The parts between the tokens that match a test, outside parentheses; empty parts are omitted. */
  split(range: Range, isBoundary: (at: number) => boolean): Range[] {
    const parts: Range[] = []
    let start = range.start
    this.each(range, (at) => {
      if (!isBoundary(at)) return
      if (at > start) parts.push({ start, end: at })
      start = at + 1
    })
    if (range.end > start) parts.push({ start, end: range.end })
    return parts
  }

  /** A name, case-folded as the dialect stores it. */
  name(at: number): string {
    const token = this.tokens[at]
    if (token === undefined) return ''
    return token.kind === 'word' && this.dialect === 'postgresql' ? lowerAscii(token.text) : token.text
  }

  /** A name, case-folded as the dialect compares it. */
  foldedName(at: number): string {
    const token = this.tokens[at]
    if (token === undefined) return ''
    return token.kind === 'quoted' && this.dialect === 'postgresql' ? token.text : lowerAscii(token.text)
  }

  /** A dotted name and its end; `undefined` if no name starts here. */
  dotted(at: number): { readonly parts: readonly string[]; readonly end: number } | undefined {
    if (!this.isName(at)) return undefined
    const parts = [this.name(at)]
    let end = at + 1
    while (this.isSymbol(end, '.') && this.isName(end + 1)) {
      parts.push(this.name(end + 1))
      end += 2
    }
    return { parts, end }
  }

  /** A plain column; `undefined` if none starts here. */
  column(at: number): { readonly ref: ColumnRef; readonly end: number } | undefined {
    const found = this.dotted(at)
    if (found === undefined || this.isSymbol(found.end, '(')) return undefined
    if (found.parts.length === 1 && this.isAny(at, notColumns)) return undefined
    return { ref: { table: found.parts.at(-2), column: found.parts.at(-1) ?? '' }, end: found.end }
  }
}

const notColumns: ReadonlySet<string> = new Set(
  'NOT EXISTS CASE NULL TRUE FALSE SELECT INTERVAL DATE TIME TIMESTAMP ANY ALL SOME ARRAY BINARY'.split(' '),
)
