import { lowerAscii } from './characters.ts'
import type { Dialect } from './dialect.ts'
import { queryStarts, words } from './keywords.ts'
import type { Condition, ConditionValue } from './statement-types.ts'
import type { Token } from './tokenize.ts'

/** With one of these, what stands between two AND need not be a condition of its own. */
const blurring = words('OR XOR BETWEEN CASE')
const terminators = words('RETURNING ORDER LIMIT OFFSET FETCH FOR LOCK')
/** Before WHERE they bring further tables in, and a column's name may be that of one of them. */
const moreTables = words('FROM JOIN STRAIGHT_JOIN USING')
const SINGLE_QUOTED = /^'([0-9a-f-]*)'$/

/** Where a statement's WHERE is looked for, and whose columns its names mean. */
export interface Region {
  readonly start: number
  readonly end: number
  /** What a column must be qualified with, folded; left out: there is one table only, and every name is a column of it. */
  readonly calledAs?: string | undefined
}

/**
 * What WHERE says of single columns for all rows: `column = value` and `column IN (values)`, joined by AND only. `undefined` where it says
 * nothing of the kind, or where that is not certain.
 */
export function conditionsIn(tokens: readonly Token[], dialect: Dialect, region: Region): readonly Condition[] | undefined {
  const where = findWhere(tokens, region)
  if (where < 0) return undefined
  const found = new ConditionReader(tokens, dialect, region.calledAs).read(where + 1, region.end)
  return found === undefined || found.length === 0 ? undefined : found
}

/** The place of WHERE outside of all parentheses; -1 without one. */
function findWhere(tokens: readonly Token[], { start, end, calledAs }: Region): number {
  let depth = 0
  for (let at = start; at < end; at++) {
    const token = tokens[at]
    depth += nesting(token)
    if (depth !== 0 || token?.kind !== 'word' || tokens[at - 1]?.text === '.') continue
    if (token.upper === 'WHERE') return at
    if (calledAs === undefined && moreTables.has(token.upper)) return -1
  }
  return -1
}

function nesting(token: Token | undefined): number {
  if (token?.kind !== 'symbol') return 0
  return token.text === '(' || token.text === '[' ? 1 : token.text === ')' || token.text === ']' ? -1 : 0
}

class ConditionReader {
  constructor(
    private readonly tokens: readonly Token[],
    private readonly dialect: Dialect,
    private readonly calledAs: string | undefined,
  ) {}

  /** The conditions of a range; `undefined` if it is no row of them joined by AND. */
  read(start: number, end: number): Condition[] | undefined {
    const found: Condition[] = []
    let depth = 0
    let from = start
    let isOver = false
    for (let at = start; at < end; at++) {
      const token = this.tokens[at]
      depth += nesting(token)
      if (depth !== 0 || token === undefined) continue
      if (token.kind === 'symbol' && this.#blurs(token, at)) return undefined
      if (token.kind !== 'word' || this.tokens[at - 1]?.text === '.') continue
      if (blurring.has(token.upper)) return undefined
      if (isOver) continue
      isOver = terminators.has(token.upper)
      if (!isOver && token.upper !== 'AND') continue
      if (!this.#take(from, at, found)) return undefined
      from = at + 1
    }
    if (!isOver && !this.#take(from, end, found)) return undefined
    return found
  }

  /** MySQL's `||` is OR, and its `:=` takes all that follows. */
  #blurs({ text, end }: Token, at: number): boolean {
    const next = this.tokens[at + 1]
    return this.dialect === 'mysql' && (text === ':' || (text === '|' && next?.text === '|' && next.start === end))
  }

  /** Takes what stands between two AND; false where nothing does. */
  #take(from: number, to: number, found: Condition[]): boolean {
    if (from >= to) return false
    if (this.#isGroup(from, to)) {
      const inner = this.#isConditions(from + 1, to - 1) ? this.read(from + 1, to - 1) : undefined
      if (inner !== undefined) found.push(...inner)
      return true
    }
    const condition = this.#condition(from, to)
    if (condition !== undefined) found.push(condition)
    return true
  }

  /** Whether a range is in one pair of parentheses. */
  #isGroup(from: number, to: number): boolean {
    if (this.tokens[from]?.text !== '(' || this.tokens[from]?.kind !== 'symbol') return false
    let depth = 0
    for (let at = from; at < to; at++) {
      depth += nesting(this.tokens[at])
      if (depth === 0) return at === to - 1
    }
    return false
  }

  /** Whether what parentheses hold is neither a query nor a list. */
  #isConditions(from: number, to: number): boolean {
    const first = this.tokens[from]
    if (first === undefined || (first.kind === 'word' && queryStarts.has(first.upper))) return false
    let depth = 0
    for (let at = from; at < to; at++) {
      depth += nesting(this.tokens[at])
      const token = this.tokens[at]
      if (depth === 0 && token?.kind === 'symbol' && token.text === ',') return false
    }
    return true
  }

  #condition(from: number, to: number): Condition | undefined {
    let at = from
    let qualifier: string | undefined
    let column = this.#name(at++)
    while (column !== undefined && this.#isSymbol(at, '.')) {
      qualifier = column
      column = this.#name(at + 1)
      at += 2
    }
    if (column === undefined || (this.calledAs !== undefined && qualifier !== this.calledAs)) return undefined
    const values = this.#isSymbol(at, '=') ? this.#valueList(at + 1, to, 1) : this.#inList(at, to)
    return values === undefined ? undefined : { column, values }
  }

  #inList(at: number, to: number): ConditionValue[] | undefined {
    const isList = this.tokens[at]?.upper === 'IN' && this.#isSymbol(at + 1, '(') && this.#isSymbol(to - 1, ')')
    return isList ? this.#valueList(at + 2, to - 1, Number.POSITIVE_INFINITY) : undefined
  }

  #valueList(from: number, to: number, most: number): ConditionValue[] | undefined {
    const values: ConditionValue[] = []
    for (let at = from; at < to; at += 2) {
      const value = this.#value(at)
      if (value === undefined || (at + 1 < to && !this.#isSymbol(at + 1, ','))) return undefined
      values.push(value)
    }
    const isWhole = values.length > 0 && (to - from) % 2 === 1
    return isWhole && values.length <= most ? values : undefined
  }

  #value(at: number): ConditionValue | undefined {
    const token = this.tokens[at]
    if (token?.kind === 'number') return token.text
    if (token?.kind === 'string') return SINGLE_QUOTED.exec(token.text)?.[1]
    return token?.kind === 'parameter' ? this.#place(token, at) : undefined
  }

  /** Which of the bound values a parameter takes. */
  #place({ text }: Token, at: number): number | undefined {
    if (this.dialect === 'postgresql') return /^\$[1-9]\d{0,4}$/.test(text) ? Number(text.slice(1)) - 1 : undefined
    if (text !== '?') return undefined
    let place = 0
    for (let before = 0; before < at; before++) if (isPlaceholder(this.tokens[before])) place++
    return place
  }

  #isSymbol(at: number, text: string): boolean {
    const token = this.tokens[at]
    return token?.kind === 'symbol' && token.text === text
  }

  #name(at: number): string | undefined {
    const token = this.tokens[at]
    return token?.kind === 'word' || token?.kind === 'quoted' ? foldedName(token, this.dialect) : undefined
  }
}

function isPlaceholder(token: Token | undefined): boolean {
  return token?.kind === 'parameter' && token.text === '?'
}

/**
 * How many values a text takes by `?`; `undefined` where it cannot be told which `?` takes which: MySQL's drivers may fill those in
 * comments and strings too, and take `??` for a name; SQLite numbers parameters in ways of its own.
 */
export function placeholdersIn(sql: string, tokens: readonly Token[], dialect: Dialect): number | undefined {
  if (dialect === 'postgresql') return undefined
  const count = tokens.filter(isPlaceholder).length
  if (dialect === 'sqlite') return tokens.some((token) => token.kind === 'parameter' && token.text !== '?') ? undefined : count
  return sql.includes('??') || sql.split('?').length - 1 !== count ? undefined : count
}

/** A name as the dialect compares it. */
export function foldedName({ kind, text }: Token, dialect: Dialect): string {
  return dialect === 'postgresql' && kind === 'quoted' ? text : lowerAscii(text)
}
