import { lowerAscii } from './characters.ts'
import type { Dialect } from './dialect.ts'
import { words } from './keywords.ts'
import type { Condition, ConditionValue, Listing } from './statement-types.ts'
import type { Range } from './token-map.ts'
import type { Token } from './tokenize.ts'
import type { ParsedSql, WhereClause } from './tree/parsed-sql.ts'
import type { ConditionNode } from './tree/query-tree.ts'

/** With one of these, dialects can group the tokens between two ANDs differently. */
const blurring = words('OR XOR BETWEEN CASE')
/** With one of these, rows of the result can exist that do not come from a row of the table. */
const mixing = words('UNION INTERSECT EXCEPT MINUS GROUP HAVING WINDOW INTO PROCEDURE')
const otherSources = words('LATERAL ROWS ONLY')
const SINGLE_QUOTED = /^'([0-9a-f-]*)'$/

/**
 * The conditions of a WHERE on single columns that hold for all rows: `column = value` and
 * `column IN (values)`, joined by AND only.
 * `undefined` if there are none, or if that is not certain.
 */
export function plainConditionsOf(
  parsed: ParsedSql,
  { range, conditions, calledAs }: WhereClause,
): readonly Condition[] | undefined {
  const found = new Map<number, Condition>()
  const reader = new ConditionReader(parsed, calledAs)
  for (const node of conditions) reader.take(node, found)
  if (found.size === 0) return undefined
  const certain = unblurred(parsed, range, found)
  return certain.length === 0 ? undefined : certain
}

/**
 * The conditions, by the index of their first token, whose parentheses contain no tokens that dialects group
 * differently.
 */
function unblurred(
  { tokens, dialect }: ParsedSql,
  { start, end }: Range,
  found: ReadonlyMap<number, Condition>,
): Condition[] {
  interface Level {
    readonly conditions: Condition[]
    isBlurred: boolean
  }
  let level: Level = { conditions: [], isBlurred: false }
  const outer: Level[] = []
  for (let at = start; at < end; at++) {
    const condition = found.get(at)
    if (condition !== undefined) level.conditions.push(condition)
    const token = tokens[at]
    if (token?.kind === 'word') level.isBlurred ||= blurring.has(token.upper) && tokens[at - 1]?.text !== '.'
    else if (token?.kind !== 'symbol') continue
    else if (token.text === '(' || token.text === '[') {
      outer.push(level)
      level = { conditions: [], isBlurred: false }
    } else if (token.text === ')' || token.text === ']') {
      const inner = level
      level = outer.pop() ?? inner
      if (!inner.isBlurred) for (const condition of inner.conditions) level.conditions.push(condition)
    } else if (dialect === 'mysql') level.isBlurred ||= isLogicalSymbol(token, tokens[at + 1])
  }
  return level.isBlurred ? [] : level.conditions
}

/** MySQL's `||` is OR, its `&&` is AND, and its `:=` applies to everything that follows. */
function isLogicalSymbol({ text, end }: Token, next: Token | undefined): boolean {
  return text === ':' || ((text === '|' || text === '&') && next?.text === text && next.start === end)
}

/** Accepts conditions only in their simplest form: the tree and the tokens must agree. */
class ConditionReader {
  constructor(
    private readonly parsed: ParsedSql,
    private readonly calledAs: string | undefined,
  ) {}

  take(node: ConditionNode, found: Map<number, Condition>): void {
    if (node.kind !== 'comparison' || node.negated || node.subquery !== undefined || node.other !== undefined)
      return
    if (node.operator !== '=' && node.operator !== 'in') return
    const { map } = this.parsed
    const { start, end } = map.unwrapped(node)
    const condition = this.#condition(start, end)
    if (condition !== undefined) found.set(start, condition)
  }

  #condition(start: number, end: number): Condition | undefined {
    const { map } = this.parsed
    if (!map.isName(start)) return undefined
    let at = start
    while (map.isSymbol(at + 1, '.') && map.isName(at + 2)) at += 2
    if (this.calledAs !== undefined && (at === start || map.foldedName(at - 2) !== this.calledAs))
      return undefined
    const values = map.isSymbol(at + 1, '=') ? this.#values(at + 2, end, 1) : this.#inList(at + 1, end)
    return values === undefined ? undefined : { column: map.foldedName(at), values }
  }

  #inList(at: number, end: number): ConditionValue[] | undefined {
    const { map } = this.parsed
    const isList = map.isWord(at, 'IN') && map.isSymbol(at + 1, '(') && map.isSymbol(end - 1, ')')
    return isList ? this.#values(at + 2, end - 1, Number.POSITIVE_INFINITY) : undefined
  }

  #values(start: number, end: number, most: number): ConditionValue[] | undefined {
    const values: ConditionValue[] = []
    for (let at = start; at < end; at += 2) {
      const value = this.#value(at)
      if (value === undefined || (at + 1 < end && !this.parsed.map.isSymbol(at + 1, ','))) return undefined
      values.push(value)
    }
    const isWhole = values.length > 0 && (end - start) % 2 === 1
    return isWhole && values.length <= most ? values : undefined
  }

  #value(at: number): ConditionValue | undefined {
    const token = this.parsed.tokens[at]
    if (token?.kind === 'number') return token.text
    if (token?.kind === 'string') return SINGLE_QUOTED.exec(token.text)?.[1]
    return token?.kind === 'parameter' ? this.#place(token, at) : undefined
  }

  /** Index of the bound value of a parameter. */
  #place({ text }: Token, at: number): number | undefined {
    if (this.parsed.dialect === 'postgresql')
      return /^\$[1-9]\d{0,4}$/.test(text) ? Number(text.slice(1)) - 1 : undefined
    const ordinal = ordinalsOf(this.parsed.tokens)[at] ?? -1
    return ordinal < 0 ? undefined : ordinal
  }
}

function isPlaceholder({ kind, text }: Token): boolean {
  return kind === 'parameter' && text === '?'
}

/** If a string contains several statements, each statement has its own conditions. */
const knownOrdinals = new WeakMap<readonly Token[], Int32Array>()

/** The ordinal of each `?`, starting at 0, by its token; -1 for other tokens. */
function ordinalsOf(tokens: readonly Token[]): Int32Array {
  const known = knownOrdinals.get(tokens)
  if (known !== undefined) return known
  const ordinals = new Int32Array(tokens.length)
  let next = 0
  tokens.forEach((token, at) => {
    ordinals[at] = isPlaceholder(token) ? next++ : -1
  })
  knownOrdinals.set(tokens, ordinals)
  return ordinals
}

/**
 * Number of values that a statement binds to `?`. It is `undefined` if the `?` of a value cannot be
 * determined: MySQL's drivers can also replace `?` in comments and strings, and treat `??` as a name; SQLite
 * numbers parameters by different rules.
 */
export function placeholdersIn(sql: string, tokens: readonly Token[], dialect: Dialect): number | undefined {
  if (dialect === 'postgresql') return undefined
  const count = tokens.filter(isPlaceholder).length
  if (dialect === 'sqlite')
    return tokens.some((token) => token.kind === 'parameter' && token.text !== '?') ? undefined : count
  return sql.includes('??') || sql.split('?').length - 1 !== count ? undefined : count
}

/**
 * The only SELECT of a statement, as a listing of the first table of its FROM. It is `undefined` unless that
 * is certain and there are conditions on single columns.
 */
export function listingOf(parsed: ParsedSql): Listing | undefined {
  const { tokens, map, kinds, roots } = parsed
  const [root] = roots
  const [first] = root?.from ?? []
  const { outputs, from, where: range } = root?.clauses ?? {}
  if (
    root?.kind !== 'select' ||
    first === undefined ||
    range === undefined ||
    from === undefined ||
    outputs === undefined
  )
    return undefined
  const isPlainSelect = kinds.length === 1 && map.isWord(0, 'SELECT') && !isMixed(parsed, from.start)
  if (!isPlainSelect || !map.isName(from.start) || map.isAny(from.start, otherSources)) return undefined
  const { table, columnNames, alias } = first
  if (table === undefined || columnNames !== undefined) return undefined
  const isPlain = root.from.length === 1 && tokens[first.end]?.upper === 'WHERE'
  const calledAs = parsed.dialect === 'postgresql' ? alias : lowerAscii(alias)
  const conditions = plainConditionsOf(parsed, {
    range,
    conditions: root.where,
    ...(isPlain ? {} : { calledAs }),
  })
  return conditions === undefined ? undefined : { table, conditions, isPlain }
}

/** Whether the select list contains more than columns, or rows are grouped or combined by a set operation. */
function isMixed({ tokens, map }: ParsedSql, from: number): boolean {
  let isMixed = false
  map.each({ start: 1, end: tokens.length }, (at) => {
    // A call can be an aggregate, which returns a row even if there are no input rows.
    if (at < from && (map.isSymbol(at, '(') || map.isSymbol(at, '['))) isMixed = true
    else if (map.isSymbol(at - 1, '.')) return
    else if (map.isAny(at, mixing) || (map.isWord(at, 'DISTINCT') && at > 1)) isMixed = true
  })
  return isMixed
}
