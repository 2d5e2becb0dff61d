import type { Dialect } from '../dialect.ts'
import { SqlSyntaxError } from '../syntax-error.ts'
import type { Token } from '../tokenize.ts'

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
