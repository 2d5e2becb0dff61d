import { hash } from '../shared/late-modules.ts'
import { type Dialect, quoteName } from './dialect.ts'
import {
  beginsColumns,
  clauseAfter,
  isBuiltName,
  isCertainlyName,
  quotesAllNames,
  type Surroundings,
} from './double-quoted.ts'
import { shapeKeywords, words } from './keywords.ts'
import { type Token, tokenize } from './tokenize.ts'

export interface Fingerprint {
  /**
   * The statement without its values, comments and white space; lists of values have the same shape
   * regardless of length.
   */
  readonly shape: string
  /**
   * 16 hexadecimal digits: the same for the same shape, in any process, regardless of the case of its words.
   */
  readonly fingerprint: string
}

/**
 * The shape of a statement and its hash.
 *
 * @throws SqlSyntaxError if a string cannot be split into tokens.
 */
export function fingerprint(sql: string | readonly Token[], dialect: Dialect): Fingerprint {
  const tokens = typeof sql === 'string' ? tokenize(sql, dialect) : sql
  const printer = new ShapePrinter(dialect)
  for (let i = 0; i < tokens.length; i++) printer.print(tokens, i)
  return printer.finish()
}

/** The hash of a shape; words are compared case-insensitively, `exact` case-sensitively. */
export function hashShape(shape: string, exact = ''): string {
  return hash('sha256', `${shape.toLowerCase()}\n${exact}`).slice(0, 16)
}

const VALUE = '?'
/** Words after which a sign belongs to the number that follows it. */
const beforeSign = words(
  'SELECT AND OR NOT WHEN THEN ELSE BETWEEN IN LIKE LIMIT OFFSET BY VALUES RETURNING WHERE ON HAVING RETURN',
)

interface List extends Surroundings {
  /** Index of its opening parenthesis in the pieces. */
  readonly open: number
  /** Start of the current item, and start and end of the previous item. */
  item: number
  previous: number
  previousEnd: number
}

class ShapePrinter {
  readonly #pieces: string[] = []
  /** Number of pieces: to remove some, it decreases, and later pieces replace them. */
  #length = 0
  /** Whether the piece directly follows the previous one. */
  readonly #glued: boolean[] = []
  readonly #lists: List[] = []
  #clause = ''
  #exact = ''
  #isBuilt: boolean | undefined
  /** Whether the previous token was the sign of a number, which is a part of the value. */
  #signed = false
  /** The parenthesized list that was closed last at this level. */
  #group: { readonly start: number; readonly end: number } | undefined

  constructor(readonly dialect: Dialect) {}

  print(tokens: readonly Token[], index: number): void {
    const token = tokens[index]
    if (token === undefined) return
    const before = tokens[index - (this.#signed ? 2 : 1)]
    this.#signed = false
    switch (token.kind) {
      case 'word':
        this.#clause = clauseAfter(tokens, index, this.#clause)
        this.#add(token.text, gluesAfter(before))
        return
      case 'quoted':
        this.#add(this.#isValue(tokens, index, token) ? VALUE : this.#quoted(token.text), gluesAfter(before))
        return
      case 'symbol':
        this.#symbol(tokens, index, token, before)
        return
      default:
        this.#add(VALUE, gluesAfter(before))
    }
  }

  finish(): Fingerprint {
    const pieces = this.#pieces
    let length = this.#length
    while (length > 0 && pieces[length - 1] === ';') length -= 1
    let shape = ''
    for (let i = 0; i < length; i++) shape += i === 0 || this.#glued[i] ? pieces[i] : ` ${pieces[i]}`
    return { shape, fingerprint: hashShape(shape, this.#exact) }
  }

  #add(piece: string, glued: boolean): void {
    this.#pieces[this.#length] = piece
    this.#glued[this.#length] = glued
    this.#length += 1
  }

  #symbol(tokens: readonly Token[], index: number, token: Token, before: Token | undefined): void {
    const { text } = token
    switch (text) {
      case '(':
      case '[': {
        const isCall = text === '(' && isCallee(before)
        const glued =
          isCall || gluesAfter(before) || (text === '[' && before !== undefined && before.kind !== 'symbol')
        this.#lists.push({
          open: this.#length,
          isCall,
          item: this.#length + 1,
          previous: -1,
          previousEnd: -1,
          clause: this.#clause,
          areColumns: text === '(' && beginsColumns(tokens, index),
        })
        // A row of VALUES belongs to that clause; a query in parentheses begins a new clause.
        if (this.#clause !== 'VALUES') this.#clause = ''
        this.#add(text, glued)
        return
      }
      case ')':
      case ']': {
        const list = this.#lists.pop()
        if (list !== undefined) {
          this.#endItem(list)
          this.#clause = list.clause
        }
        this.#add(text, true)
        if (list !== undefined && !list.isCall && text === ')') this.#endGroup(list.open)
        return
      }
      case ',': {
        const list = this.#lists.at(-1)
        if (list !== undefined) {
          this.#endItem(list)
          list.previous = list.item
          list.previousEnd = this.#length
        }
        this.#add(text, true)
        if (list !== undefined) list.item = this.#length
        return
      }
      case '.':
      case ';':
      case '::':
        this.#add(text, true)
        return
      case '-':
      case '+':
        this.#signed = isSign(tokens, index, before)
        if (this.#signed) return
    }
    const operator =
      before?.kind === 'symbol' && before.end === token.start && !'(),;.]['.includes(before.text)
    this.#add(text, operator || gluesAfter(before))
  }

  /**
   * Removes the item that ends here if it equals the previous item and contains a value: `?, ?` becomes `?`.
   */
  #endItem(list: List): void {
    if (list.isCall || list.previous < 0) return
    const { previous, previousEnd, item } = list
    if (!this.#equal(previous, previousEnd, item, this.#length)) return
    this.#length = previousEnd
    list.item = previous
  }

  /** Removes a row that equals the previous row: `(?, ?), (?, ?)` becomes one. */
  #endGroup(start: number): void {
    const end = this.#length
    const last = this.#group
    this.#group = { start, end }
    if (last === undefined || last.end !== start - 1 || this.#pieces[last.end] !== ',') return
    if (!this.#equal(last.start, last.end, start, end)) return
    this.#length = last.end
    this.#group = last
    const list = this.#lists.at(-1)
    if (list !== undefined && list.item > last.start) list.item = last.start
  }

  #equal(start: number, end: number, otherStart: number, otherEnd: number): boolean {
    if (end - start !== otherEnd - otherStart) return false
    let hasValue = false
    for (let i = 0; i < end - start; i++) {
      if (this.#pieces[start + i] !== this.#pieces[otherStart + i]) return false
      hasValue ||= this.#pieces[start + i] === VALUE
    }
    return hasValue
  }

  #isValue(tokens: readonly Token[], index: number, token: Token): boolean {
    if (token.mayBeString !== true) return false
    const { isCall = false, areColumns = false } = this.#lists.at(-1) ?? {}
    const around = { clause: this.#clause, isCall, areColumns }
    if (isCertainlyName(tokens, index, around)) return false
    this.#isBuilt ??= quotesAllNames(tokens)
    return !(this.#isBuilt && isBuiltName(tokens, index, around))
  }

  /** A quoted name, with the quotes removed if the dialect allows it. */
  #quoted(name: string): string {
    const plain = this.dialect === 'postgresql' ? /^[a-z_][a-z0-9_]*$/ : /^[A-Za-z_][A-Za-z0-9_]*$/
    if (plain.test(name) && !shapeKeywords.has(name.toUpperCase())) return name
    if (name !== name.toLowerCase()) this.#exact += `${name}\n`
    return quoteName(name, this.dialect)
  }
}

function gluesAfter(before: Token | undefined): boolean {
  return (
    before?.kind === 'symbol' &&
    (before.text === '(' || before.text === '[' || before.text === '.' || before.text === '::')
  )
}

function isCallee(before: Token | undefined): boolean {
  return before?.kind === 'quoted' || (before?.kind === 'word' && !shapeKeywords.has(before.upper))
}

/** Whether a plus or minus is the sign of the number that follows. */
function isSign(tokens: readonly Token[], index: number, before: Token | undefined): boolean {
  if (tokens[index + 1]?.kind !== 'number') return false
  if (before === undefined) return true
  if (before.kind === 'word') return beforeSign.has(before.upper)
  return before.kind === 'symbol' && before.text !== ')' && before.text !== ']' && before.text !== '*'
}
