import type { Dialect } from '../../sql/dialect.ts'
import { SqlSyntaxError } from '../../sql/syntax-error.ts'
import { type Token, tokenize } from '../../sql/tokenize.ts'

/** What advice needs of a statement's text; of subqueries nothing. */
export interface QueryShape {
  readonly kind: 'select' | 'update' | 'delete' | 'other'
  readonly hasWhere: boolean
  readonly hasLimit: boolean
  /** A number that is written after OFFSET; 0 where there is none, or a parameter. */
  readonly offset: number
  readonly isOffset: boolean
  readonly isStar: boolean
  readonly joins: number
  readonly hasOr: boolean
  /** Whether it makes one row of many: an aggregate without GROUP BY. */
  readonly isTotal: boolean
  /** Columns that are asked for by a value: `=` and `IN`. The last part of each name. */
  readonly equalities: readonly string[]
  /** Columns that are asked for by a range. */
  readonly ranges: readonly string[]
  /** Columns that are searched for a text anywhere within: `LIKE '%x'`. */
  readonly within: readonly string[]
  /** Columns of conditions that stand in a call: `lower(email) = ?`. */
  readonly calls: readonly { readonly name: string; readonly column: string }[]
  readonly orderBy: readonly string[]
}

const EMPTY: QueryShape = {
  ...{ kind: 'other', hasWhere: false, hasLimit: false, offset: 0, isOffset: false, isStar: false, joins: 0, hasOr: false, isTotal: false },
  ...{ equalities: [], ranges: [], within: [], calls: [], orderBy: [] },
}
const CLAUSES = new Set([
  'FROM',
  'WHERE',
  'GROUP',
  'HAVING',
  'ORDER',
  'LIMIT',
  'OFFSET',
  'FETCH',
  'RETURNING',
  'UNION',
  'INTERSECT',
  'EXCEPT',
  'WINDOW',
  'FOR',
  'SET',
])
const AGGREGATES = new Set(['COUNT', 'SUM', 'AVG', 'MIN', 'MAX'])
const KINDS: Readonly<Record<string, QueryShape['kind']>> = { SELECT: 'select', UPDATE: 'update', DELETE: 'delete' }

/** Reads the outermost query of a statement. What cannot be read has a shape without anything in it. */
export function queryShapeOf(sql: string, dialect: Dialect): QueryShape {
  let tokens: readonly Token[]
  try {
    tokens = outermost(tokenize(sql, dialect))
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    return EMPTY
  }
  const start = tokens.findIndex(({ upper }) => KINDS[upper] !== undefined)
  const kind = KINDS[tokens[start]?.upper ?? '']
  return kind === undefined ? EMPTY : new ShapeReader(tokens.slice(start), kind).read()
}

/** Without what stands in parentheses that hold a query. */
function outermost(tokens: readonly Token[]): Token[] {
  const kept: Token[] = []
  let depth = 0
  let hiddenFrom = Number.POSITIVE_INFINITY
  for (const [at, token] of tokens.entries()) {
    if (isSymbol(token, '(')) {
      depth += 1
      if (depth < hiddenFrom && ['SELECT', 'WITH'].includes(tokens[at + 1]?.upper ?? '')) hiddenFrom = depth
    }
    if (depth < hiddenFrom || (depth === hiddenFrom && isSymbol(token, '('))) kept.push(token)
    if (isSymbol(token, ')')) {
      if (depth === hiddenFrom) {
        kept.push(token)
        hiddenFrom = Number.POSITIVE_INFINITY
      }
      depth -= 1
    }
  }
  return kept
}

function isSymbol(token: Token | undefined, text: string): boolean {
  return token?.kind === 'symbol' && token.text === text
}

class ShapeReader {
  readonly #equalities = new Set<string>()
  readonly #ranges = new Set<string>()
  readonly #within = new Set<string>()
  readonly #calls = new Map<string, { name: string; column: string }>()
  readonly #clauses = new Map<string, { readonly start: number; readonly end: number }>()

  constructor(
    private readonly tokens: readonly Token[],
    private readonly kind: QueryShape['kind'],
  ) {}

  read(): QueryShape {
    this.#readClauses()
    const where = this.#clauses.get('WHERE')
    if (where !== undefined) this.#readConditions(where.start, where.end)
    const list = { start: 1, end: this.#clauses.get('FROM')?.start ?? this.tokens.length }
    const offset = this.#clauses.get('OFFSET')
    const isSelect = this.kind === 'select'
    const words = (start: number, end: number, word: string) => this.tokens.slice(start, end).filter(({ upper }) => upper === word).length
    return {
      kind: this.kind,
      hasWhere: where !== undefined,
      hasLimit: this.#clauses.has('LIMIT') || this.#clauses.has('FETCH'),
      isOffset: offset !== undefined,
      offset: offset === undefined ? 0 : Number(this.tokens[offset.start]?.kind === 'number' ? this.tokens[offset.start]?.text : 0),
      isStar: isSelect && this.#hasStar(list.start, list.end),
      joins: words(0, this.tokens.length, 'JOIN'),
      hasOr: where !== undefined && words(where.start, where.end, 'OR') > 0,
      isTotal: isSelect && !this.#clauses.has('GROUP') && this.#hasAggregate(list.start, list.end),
      equalities: [...this.#equalities],
      ranges: [...this.#ranges].filter((column) => !this.#equalities.has(column)),
      within: [...this.#within],
      calls: [...this.#calls.values()],
      orderBy: this.#orderBy(),
    }
  }

  /** By the words that begin them, outside of parentheses. */
  #readClauses(): void {
    const starts: { readonly name: string; readonly at: number }[] = []
    let depth = 0
    for (const [at, token] of this.tokens.entries()) {
      if (isSymbol(token, '(')) depth += 1
      else if (isSymbol(token, ')')) depth -= 1
      else if (depth === 0 && CLAUSES.has(token.upper) && !isSymbol(this.tokens[at - 1], '.')) starts.push({ name: token.upper, at })
    }
    for (const [index, { name, at }] of starts.entries()) {
      if (['UNION', 'INTERSECT', 'EXCEPT'].includes(name)) break
      const end = starts[index + 1]?.at ?? this.tokens.length
      if (!this.#clauses.has(name)) this.#clauses.set(name, { start: at + 1, end })
    }
  }

  #readConditions(start: number, end: number): void {
    for (let at = start; at < end; at += 1) {
      const column = this.#columnAt(at)
      if (column === undefined) continue
      const call = isSymbol(this.tokens[column.end], '(') ? this.#columnAt(column.end + 1) : undefined
      if (call !== undefined && isSymbol(this.tokens[call.end], ')')) {
        this.#calls.set(`${column.name}(${call.name})`, { name: column.name.toLowerCase(), column: call.name })
        at = call.end
      } else if (!isSymbol(this.tokens[column.end], '(')) {
        this.#readComparison(column.name, column.end)
        at = column.end - 1
      }
    }
  }

  #readComparison(column: string, at: number): void {
    const { tokens } = this
    const operator = tokens[at]
    const isNegated = operator?.upper === 'NOT'
    const word = isNegated ? tokens[at + 1] : operator
    if (word?.upper === 'LIKE' || word?.upper === 'ILIKE') {
      const pattern = tokens[at + (isNegated ? 2 : 1)]
      if (pattern?.kind === 'string' && /^\w*'[%_]/.test(pattern.text)) this.#within.add(column)
      return
    }
    if (isNegated) return
    const next = tokens[at + 1]
    if (word?.upper === 'IN') this.#equalities.add(column)
    else if (word?.upper === 'BETWEEN' || isSymbol(operator, '>') || (isSymbol(operator, '<') && !isSymbol(next, '>')))
      this.#ranges.add(column)
    else if (isSymbol(operator, '=') && this.#isValue(at + 1)) this.#equalities.add(column)
  }

  /** A column on the other side joins two tables. */
  #isValue(at: number): boolean {
    const token = this.tokens[at]
    return token !== undefined && (token.kind !== 'word' || ['TRUE', 'FALSE'].includes(token.upper)) && token.kind !== 'quoted'
  }

  /** A name with dots: its last part, and where it ends. */
  #columnAt(at: number): { readonly name: string; readonly end: number } | undefined {
    const { tokens } = this
    const isName = (token: Token | undefined) => token?.kind === 'quoted' || (token?.kind === 'word' && !RESERVED.has(token.upper))
    if (!isName(tokens[at]) || isSymbol(tokens[at - 1], '.')) return undefined
    let end = at + 1
    while (isSymbol(tokens[end], '.') && (tokens[end + 1]?.kind === 'word' || tokens[end + 1]?.kind === 'quoted')) end += 2
    return { name: tokens[end - 1]?.text ?? '', end }
  }

  #hasStar(start: number, end: number): boolean {
    const { tokens } = this
    return tokens.slice(start, end).some((token, index) => {
      const before = tokens[start + index - 1]
      const isFirst = before?.upper === 'SELECT' || before?.upper === 'DISTINCT' || isSymbol(before, ',') || isSymbol(before, '.')
      return isSymbol(token, '*') && isFirst
    })
  }

  #hasAggregate(start: number, end: number): boolean {
    const { tokens } = this
    return tokens.slice(start, end).some((token, index) => AGGREGATES.has(token.upper) && isSymbol(tokens[start + index + 1], '('))
  }

  #orderBy(): readonly string[] {
    const clause = this.#clauses.get('ORDER')
    if (clause === undefined) return []
    const columns: string[] = []
    for (let at = clause.start + 1; at < clause.end; at += 1) {
      const column = this.#columnAt(at)
      if (column === undefined) continue
      columns.push(column.name)
      at = column.end - 1
    }
    return columns
  }
}

const RESERVED = new Set(
  'AND OR NOT IN IS NULL TRUE FALSE LIKE ILIKE BETWEEN EXISTS CASE WHEN THEN ELSE END ASC DESC NULLS FIRST LAST BY ESCAPE ANY ALL SOME COLLATE INTERVAL'.split(
    ' ',
  ),
)
