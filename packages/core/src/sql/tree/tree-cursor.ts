import type { Dialect } from '../dialect.ts'
import { SqlSyntaxError } from '../syntax-error.ts'
import type { TokenMap } from '../token-map.ts'
import type { Token } from '../tokenize.ts'
import type { BlockDraft, BlockScope, CteScope } from './block-scope.ts'
import { ParameterPlaces } from './parameter-places.ts'
import type { QueryBlock, WriteTarget } from './query-tree.ts'

const MAX_DEPTH = 300
/** PostgreSQL cuts names after this many bytes. */
const MAX_NAME_BYTES = 63

export interface TreeReaders {
  /** Reads a query, without parentheses, up to where it ends. */
  query(cursor: TreeCursor, parent: QueryBlock | undefined, ctes: CteScope | undefined): BlockDraft
  /** Reads an INSERT, UPDATE or DELETE. */
  write(cursor: TreeCursor, scope: BlockScope): void
}

/** A place in a list of tokens, and what holds for the whole statement. */
export class TreeCursor {
  position = 0
  readonly dialect: Dialect
  readonly writes: WriteTarget[] = []
  /** The place of each bound value, by its token. */
  readonly places: Map<number, number> = new Map()
  readonly #numbers: ParameterPlaces
  /** Subqueries that a condition or a FROM entry holds. */
  readonly placed: Set<QueryBlock> = new Set()
  #depth = 0

  constructor(
    readonly map: TokenMap,
    readonly read: TreeReaders,
  ) {
    this.dialect = map.dialect
    this.#numbers = new ParameterPlaces(map.dialect)
  }

  token(offset = 0): Token | undefined {
    return this.map.tokens[this.position + offset]
  }

  /** The word at the cursor in upper case; empty where there is none. */
  word(offset = 0): string {
    return this.map.tokens[this.position + offset]?.upper ?? ''
  }

  isWord(upper: string, offset = 0): boolean {
    return this.word(offset) === upper
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

  fail(reason: string): never {
    throw new SqlSyntaxError(reason)
  }

  /** One level deeper: a text that is nested without end must not exhaust the stack. Each call needs a `leave`, unless reading has failed. */
  enter(): void {
    this.#depth++
    if (this.#depth > MAX_DEPTH) this.fail('nested too deeply')
  }

  leave(): void {
    this.#depth--
  }

  /** Reads what a pair of parentheses holds, all of it. */
  parenthesised<T>(read: () => T): T {
    this.expectSymbol('(')
    const end = this.map.closing(this.position - 1)
    this.enter()
    const found = read()
    this.leave()
    if (this.position !== end) this.fail('")" expected')
    this.position = end + 1
    return found
  }

  /** Passes over a pair of parentheses that holds nothing to be read, but for the bound values in it. */
  skipParentheses(): void {
    if (!this.isSymbol('(')) this.fail('"(" expected')
    this.skipTo(this.map.closing(this.position) + 1)
  }

  skipTo(end: number): void {
    for (; this.position < end; this.position++) {
      const token = this.token()
      if (token?.kind === 'parameter') this.#place(token)
    }
  }

  /** Takes a parameter; `undefined` is a variable of the session. */
  parameter(): number | undefined {
    const token = this.token()
    if (token?.kind !== 'parameter') this.fail('parameter expected')
    const place = this.#place(token)
    this.position++
    return place
  }

  get parameters(): number {
    return this.#numbers.count
  }

  #place(token: Token): number | undefined {
    const place = this.#numbers.take(token)
    if (place !== undefined) this.places.set(this.position, place)
    return place
  }

  /** Takes one part of a name, folded. */
  name(): string {
    if (!this.isName()) this.fail('name expected')
    const name = this.map.name(this.position)
    if (this.dialect === 'postgresql' && name.length * 3 > MAX_NAME_BYTES && Buffer.byteLength(name) > MAX_NAME_BYTES)
      this.fail('name longer than PostgreSQL keeps')
    this.position++
    return name
  }

  names(): readonly string[] {
    return this.list(() => this.name())
  }

  dottedName(): readonly string[] {
    const parts = [this.name()]
    while (this.takeSymbol('.')) parts.push(this.name())
    return parts
  }

  /** One or more, with commas between. */
  list<T>(read: () => T): T[] {
    const found = [read()]
    while (this.takeSymbol(',')) found.push(read())
    return found
  }
}
