import { lowerAscii } from '../characters.ts'
import type { Dialect } from '../dialect.ts'
import { notTables } from '../keywords.ts'
import type { SessionChange, TransactionControl } from '../statement-types.ts'
import { SqlSyntaxError } from '../syntax-error.ts'
import type { Range, TokenMap } from '../token-map.ts'
import type { Token } from '../tokenize.ts'
import type { BlockDraft, BlockScope, CteScope } from './block-scope.ts'
import { ParameterPlaces, type ParsedSql, type TableChange } from './parsed-sql.ts'

import type { QueryBlock, WriteTarget } from './query-tree.ts'

/** Maximum nesting of expressions, queries and parentheses. */
const MAX_DEPTH = 400
/** PostgreSQL truncates names after this many bytes. */
const MAX_NAME_BYTES = 63

export interface TreeReaders {
  /**
   * Reads a query, without parentheses, up to its end.
   *
   * @param isStatement - Whether it is a statement or the body of a common table expression, whose keyword is
   * included in the kinds.
   */
  query(
    cursor: SqlCursor,
    parent: QueryBlock | undefined,
    ctes: CteScope | undefined,
    isStatement?: boolean,
  ): BlockDraft
  /** Reads the name of a table as the query of all its rows. */
  table(cursor: SqlCursor, scope: BlockScope): QueryBlock
  /** Reads an INSERT, UPDATE, DELETE or MERGE. */
  write(cursor: SqlCursor, scope: BlockScope): void
}

/** A position in a list of tokens, and the findings of the parser up to that position. */
export class SqlCursor implements ParsedSql {
  position = 0
  readonly dialect: Dialect
  readonly kinds: string[] = []
  readonly roots: QueryBlock[] = []
  readonly queries: Range[] = []
  readonly reads: (readonly string[])[] = []
  readonly changes: TableChange[] = []
  readonly names: number[]
  readonly temporary: string[] = []
  readonly triggered: (string | undefined)[] = []
  readonly transactions: TransactionControl[] = []
  readonly session: SessionChange[] = []
  statements = 0
  volatile = false
  locks = false
  ddl = false
  opaque: string | undefined
  incomplete: string | undefined
  readonly writes: WriteTarget[] = []
  /** The tokens of bound values, and the index of each value. */
  readonly #bound: number[] = []
  readonly #numbers: ParameterPlaces
  /** Subqueries that belong to a condition or a FROM entry. */
  readonly placed: Set<QueryBlock> = new Set()
  #depth = 0

  constructor(
    readonly map: TokenMap,
    readonly read: TreeReaders,
  ) {
    this.dialect = map.dialect
    this.#numbers = new ParameterPlaces(map.dialect)
    this.names = new Array<number>(map.tokens.length).fill(0)
  }

  get tokens(): readonly Token[] {
    return this.map.tokens
  }

  token(offset = 0): Token | undefined {
    return this.map.tokens[this.position + offset]
  }

  /** The word at the cursor in upper case; empty if there is none. */
  word(offset = 0): string {
    return this.map.tokens[this.position + offset]?.upper ?? ''
  }

  isWord(upper: string, offset = 0): boolean {
    return this.map.tokens[this.position + offset]?.upper === upper
  }

  isAny(set: ReadonlySet<string>, offset = 0): boolean {
    return this.map.isAny(this.position + offset, set)
  }

  isSymbol(text: string, offset = 0): boolean {
    return this.map.isSymbol(this.position + offset, text)
  }

  isName(offset = 0): boolean {
    return this.map.isName(this.position + offset)
  }

  /** Whether the statement ends here. */
  atEnd(): boolean {
    return this.position >= this.map.tokens.length || this.isSymbol(';')
  }

  takeWord(upper: string): boolean {
    const found = this.isWord(upper)
    if (found) this.position++
    return found
  }

  takeWords(...uppers: readonly string[]): boolean {
    for (let offset = 0; offset < uppers.length; offset++)
      if (this.word(offset) !== uppers[offset]) return false
    this.position += uppers.length
    return true
  }

  takeAny(set: ReadonlySet<string>): boolean {
    const found = this.isAny(set)
    if (found) this.position++
    return found
  }

  takeSymbol(text: string): boolean {
    const found = this.isSymbol(text)
    if (found) this.position++
    return found
  }

  expectWord(upper: string): void {
    if (!this.takeWord(upper)) this.fail(`${upper} expected`)
  }

  expectSymbol(text: string): void {
    if (!this.takeSymbol(text)) this.fail(`"${text}" expected`)
  }

  /** Stops parsing: nothing is certain after this position. */
  fail(reason: string): never {
    throw new SqlSyntaxError(reason)
  }

  /** Records that the effects of the statement are unknown; parsing continues. */
  markOpaque(reason: string): void {
    this.opaque ??= reason
  }

  /** Records that the tree is incomplete; the facts are still valid. */
  leaveOut(reason: string): void {
    this.incomplete ??= reason
  }

  /** Records that a statement cannot be read, and skips the rest of it. */
  abandon(reason: string): void {
    this.markOpaque(reason)
    this.leaveOut(reason)
    this.#depth = 0
    this.skipStatement()
  }

  /**
   * Increases the nesting level: deep nesting must not exhaust the stack. Each call requires a `leave`,
   * unless parsing has failed.
   */
  enter(): void {
    this.#depth++
    if (this.#depth > MAX_DEPTH) this.fail('nested too deeply')
  }

  leave(): void {
    this.#depth--
  }

  /** Reads the whole content of a pair of parentheses. */
  parenthesised<T>(read: () => T): T {
    this.expectSymbol('(')
    const end = this.#closing(this.position - 1)
    this.enter()
    const found = read()
    this.leave()
    if (this.position !== end) this.fail('")" expected')
    this.position = end + 1
    return found
  }

  /**
   * Skips a pair of parentheses that contains no query and no call, such as column names or the size of a
   * type.
   */
  skipParentheses(): void {
    if (!this.isSymbol('(')) this.fail('"(" expected')
    this.skipTo(this.#closing(this.position) + 1)
  }

  /** Skips tokens whose grammar is not parsed; calls among them still count. */
  skipTo(end: number): void {
    for (; this.position < end; this.position++) {
      const token = this.token()
      if (token?.kind === 'parameter') this.#place(token)
      else if (token?.upper === 'SELECT' || token?.upper === 'TABLE')
        this.fail('query in an unexpected place')
    }
  }

  /** Skips tokens that are names, such as those of a type. */
  skipNames(end: number): void {
    this.names.fill(1, this.position, end)
    this.skipTo(end)
  }

  skipStatement(): void {
    while (!this.atEnd()) this.position++
  }

  #closing(open: number): number {
    const end = this.map.closing(open)
    if (end === open) this.fail('unbalanced parenthesis')
    return end
  }

  /** Consumes a parameter; `undefined` for a session variable. */
  parameter(): number | undefined {
    const token = this.token()
    if (token?.kind !== 'parameter') this.fail('parameter expected')
    const place = this.#place(token)
    this.position++
    return place
  }

  /** The index of each bound value, by its token. Built when it is needed. */
  get places(): ReadonlyMap<number, number> {
    const places = new Map<number, number>()
    for (let at = 0; at < this.#bound.length; at += 2)
      places.set(this.#bound[at] as number, this.#bound[at + 1] as number)
    return places
  }

  get parameters(): number {
    return this.#numbers.count
  }

  #place(token: Token): number | undefined {
    const place = this.#numbers.take(token)
    if (this.#numbers.isMixed) this.leaveOut('parameters of two kinds')
    if (place !== undefined) this.#bound.push(this.position, place)
    return place
  }

  /** Consumes one part of a name. */
  namePart(): Token {
    const token = this.token()
    if (token === undefined || (token.kind !== 'word' && token.kind !== 'quoted')) this.fail('name expected')
    this.position++
    return token
  }

  /** A part of a name, case-folded as the dialect stores it. */
  fold(token: Token): string {
    if (this.dialect !== 'postgresql') return token.text
    const name = token.kind === 'word' ? lowerAscii(token.text) : token.text
    if (name.length * 3 > MAX_NAME_BYTES && Buffer.byteLength(name) > MAX_NAME_BYTES)
      this.fail('name longer than PostgreSQL keeps')
    return name
  }

  /** A name, case-folded as the dialect compares it. */
  foldCase(token: Token): string {
    return this.dialect === 'postgresql' ? this.fold(token) : lowerAscii(token.text)
  }

  /** Consumes one part of a name that does not name a function, case-folded. */
  name(): string {
    this.names[this.position] = 1
    return this.fold(this.namePart())
  }

  /** Consumes a comma-separated list of names. */
  nameList(): readonly string[] {
    return this.list(() => this.name())
  }

  dottedName(): readonly string[] {
    const parts = [this.name()]
    while (this.takeSymbol('.')) parts.push(this.name())
    return parts
  }

  /** Consumes the name of a table. */
  tableName(): readonly string[] {
    if (this.isAny(notTables)) this.fail('name expected')
    return this.dottedName()
  }

  /** One or more, separated by commas. */
  list<T>(read: () => T): T[] {
    const found = [read()]
    while (this.takeSymbol(',')) found.push(read())
    return found
  }
}
