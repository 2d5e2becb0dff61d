import { lowerAscii } from './characters.ts'
import type { Dialect } from './dialect.ts'
import { notTables } from './keywords.ts'
import type { Condition, TableWrite, TransactionControl } from './statement-types.ts'
import { SqlSyntaxError } from './syntax-error.ts'
import type { Token } from './tokenize.ts'

/** The names of common table expressions that are visible at a place, folded. */
export type Scope = ReadonlySet<string>

/** PostgreSQL cuts names after this many bytes. */
const MAX_NAME_BYTES = 63
const MAX_DEPTH = 200

/** A place in a list of tokens, and what was found up to it. */
export class StatementCursor {
  position = 0
  readonly kinds: string[] = []
  readonly reads: Map<string, readonly string[]> = new Map()
  /** In how many places tables are read. */
  readPlaces = 0
  readonly writes: TableWrite[] = []
  readonly functions: Set<string> = new Set()
  readonly temporary: string[] = []
  readonly triggered: (string | undefined)[] = []
  readonly transactions: TransactionControl[] = []
  volatile = false
  locks = false
  ddl = false
  opaque: string | undefined
  #depth = 0

  constructor(
    readonly tokens: readonly Token[],
    readonly dialect: Dialect,
    /** Reads the statement that is a CTE's body. */
    readonly readBody: (cursor: StatementCursor, scope: Scope) => void,
  ) {}

  token(offset = 0): Token | undefined {
    return this.tokens[this.position + offset]
  }

  isWord(upper: string, offset = 0): boolean {
    return this.tokens[this.position + offset]?.upper === upper
  }

  isAnyWord(set: ReadonlySet<string>, offset = 0): boolean {
    const token = this.tokens[this.position + offset]
    return token?.kind === 'word' && set.has(token.upper)
  }

  isSymbol(text: string, offset = 0): boolean {
    const token = this.tokens[this.position + offset]
    return token?.kind === 'symbol' && token.text === text
  }

  isName(offset = 0): boolean {
    const kind = this.tokens[this.position + offset]?.kind
    return kind === 'word' || kind === 'quoted'
  }

  /** Whether the statement ends here. */
  atEnd(): boolean {
    return this.position >= this.tokens.length || this.isSymbol(';')
  }

  takeWord(upper: string): boolean {
    const found = this.isWord(upper)
    if (found) this.position++
    return found
  }

  takeWords(...uppers: readonly string[]): boolean {
    const found = uppers.every((upper, offset) => this.isWord(upper, offset))
    if (found) this.position += uppers.length
    return found
  }

  takeAnyWord(set: ReadonlySet<string>): boolean {
    const found = this.isAnyWord(set)
    if (found) this.position++
    return found
  }

  takeSymbol(text: string): boolean {
    const found = this.isSymbol(text)
    if (found) this.position++
    return found
  }

  expectSymbol(text: string): void {
    if (!this.takeSymbol(text)) this.fail(`"${text}" expected`)
  }

  expectWord(upper: string): void {
    if (!this.takeWord(upper)) this.fail(`${upper} expected`)
  }

  /** Ends the reading: from here on nothing is certain. */
  fail(reason: string): never {
    throw new SqlSyntaxError(reason)
  }

  /** Notes that what the text touches cannot be told; the reading goes on. */
  giveUp(reason: string): void {
    this.opaque ??= reason
  }

  /** Runs a reader one level deeper; a text nested without end must not exhaust the stack. */
  nested(read: () => void): void {
    this.#depth++
    if (this.#depth > MAX_DEPTH) this.fail('nested too deeply')
    read()
    this.#depth--
  }

  /** A name part as the dialect folds it. */
  fold(token: Token): string {
    if (this.dialect !== 'postgresql') return token.text
    const name = token.kind === 'word' ? lowerAscii(token.text) : token.text
    if (name.length * 3 > MAX_NAME_BYTES && Buffer.byteLength(name) > MAX_NAME_BYTES) this.fail('name longer than PostgreSQL keeps')
    return name
  }

  /** A name as the dialect compares it. */
  foldCase(token: Token): string {
    return this.dialect === 'postgresql' ? this.fold(token) : lowerAscii(token.text)
  }

  /** Takes one part of a name. */
  namePart(): Token {
    const token = this.token()
    if (token === undefined || (token.kind !== 'word' && token.kind !== 'quoted')) this.fail('name expected')
    this.position++
    return token
  }

  /** Takes the name of a table. */
  tableName(): readonly string[] {
    if (this.isAnyWord(notTables)) this.fail('name expected')
    const parts = [this.fold(this.namePart())]
    while (this.takeSymbol('.')) parts.push(this.fold(this.namePart()))
    return parts
  }

  /** Notes a read, unless the name is one of a common table expression; a qualified name never is. */
  read(name: readonly string[], scope?: Scope): boolean {
    const [first = ''] = name
    if (name.length === 1 && scope?.has(this.dialect === 'postgresql' ? first : lowerAscii(first)) === true) return false
    this.reads.set(name.length === 1 ? first : name.join('\0'), name)
    this.readPlaces++
    return true
  }

  write(name: readonly string[], how: TableWrite['how'], columns?: readonly string[], conditions?: readonly Condition[]): void {
    this.writes.push({ name, how, ...(columns === undefined ? {} : { columns }), ...(conditions === undefined ? {} : { conditions }) })
  }

  /** From an opening parenthesis to after the one that closes it. */
  skipParentheses(): void {
    let depth = 0
    do {
      if (this.atEnd()) this.fail('")" expected')
      if (this.isSymbol('(')) depth++
      else if (this.isSymbol(')')) depth--
      this.position++
    } while (depth > 0)
  }

  skipStatement(): void {
    while (!this.atEnd()) this.position++
  }
}
