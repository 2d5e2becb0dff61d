import type { Dialect } from '../dialect.ts'
import type { SessionChange, TableWrite, TransactionControl } from '../statement-types.ts'
import { SqlSyntaxError } from '../syntax-error.ts'
import type { Range, TokenMap } from '../token-map.ts'
import type { Token } from '../tokenize.ts'
import type { ConditionNode, QueryBlock, WriteTarget } from './query-tree.ts'

/** A table that a statement changes. */
export interface TableChange {
  readonly how: TableWrite['how']
  readonly table: readonly string[]
  /** The columns of SET, if they are known. */
  readonly columns?: readonly string[]
  /** Set if all of its columns are the table's. */
  readonly where?: WhereClause
}

/** A WHERE clause, and the table to which its columns belong. */
export interface WhereClause {
  readonly range: Range
  readonly conditions: readonly ConditionNode[]
  /**
   * The qualifier that a column of the table needs, as the dialect compares names. Omitted if the table is
   * the only one.
   */
  readonly calledAs?: string
}

/** Everything that the parser finds in one or more statements. Facts are derived from it. */
export interface ParsedSql {
  readonly dialect: Dialect
  readonly tokens: readonly Token[]
  readonly map: TokenMap
  readonly statements: number
  /** The keyword of each statement and of each body of a common table expression. */
  readonly kinds: readonly string[]
  /** The outermost block of each query and write. */
  readonly roots: readonly QueryBlock[]
  /** The tokens of each query and write: their calls count. */
  readonly queries: readonly Range[]
  /** Each place where a table is read, in order; common table expressions are excluded. */
  readonly reads: readonly (readonly string[])[]
  readonly changes: readonly TableChange[]
  /** 1 for each token that names something other than a function or a value: a table, an alias, a type. */
  readonly names: readonly number[]
  readonly temporary: readonly string[]
  readonly triggered: readonly (string | undefined)[]
  readonly transactions: readonly TransactionControl[]
  readonly session: readonly SessionChange[]
  readonly volatile: boolean
  readonly locks: boolean
  readonly ddl: boolean
  /** Why the effects are unknown. */
  readonly opaque: string | undefined
  /** Why the tree is not the whole statement, although the effects may be known. */
  readonly incomplete: string | undefined
  readonly writes: readonly WriteTarget[]
  readonly parameters: number
  readonly places: ReadonlyMap<number, number>
}

const MAX_PLACE = 65_535

/** Numbers the bound values of a statement, starting at 0, in source order. */
export class ParameterPlaces {
  #named: Map<string, number> | undefined
  #isNumbered: boolean | undefined
  count = 0
  /** PostgreSQL accepts parameters of one kind only. */
  isMixed = false

  constructor(private readonly dialect: Dialect) {}

  /** The index of a parameter; `undefined` for a session variable of MySQL. */
  take({ text }: Token): number | undefined {
    if (text === '?') return this.#next(false)
    if (this.dialect === 'mysql' && text.startsWith('@')) return undefined
    const digits = text.slice(1)
    if (/^[?$]\d+$/.test(text) && (text.startsWith('?') || this.dialect === 'postgresql'))
      return this.#numbered(Number(digits))
    this.#named ??= new Map()
    const known = this.#named.get(text)
    if (known !== undefined) return known
    const place = this.#next(false)
    this.#named.set(text, place)
    return place
  }

  #next(isNumbered: boolean): number {
    this.#note(isNumbered)
    this.count++
    return this.count - 1
  }

  #numbered(number: number): number {
    this.#note(true)
    if (number < 1 || number > MAX_PLACE) throw new SqlSyntaxError('number of a parameter out of range')
    this.count = Math.max(this.count, number)
    return number - 1
  }

  #note(isNumbered: boolean): void {
    if (this.dialect === 'postgresql' && this.#isNumbered === !isNumbered) this.isMixed = true
    this.#isNumbered = isNumbered
  }
}
