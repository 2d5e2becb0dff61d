import type { Dialect } from '../../sql/dialect.ts'
import { type Token, tokenize } from '../../sql/tokenize.ts'

/** A parameter of a statement: its location, and the index of its value among the bindings, from 0. */
export interface Parameter {
  readonly token: Token
  readonly place: number
}

/**
 * The parameters of a statement, in order, without those in strings and comments.
 *
 * @throws SqlSyntaxError if the SQL cannot be tokenized.
 */
export function parametersOf(sql: string, dialect: Dialect): readonly Parameter[] {
  const named = new Map<string, number>()
  let next = 0
  const placeOf = (text: string): number | undefined => {
    if (dialect === 'postgresql') return /^\$[1-9]\d*$/.test(text) ? Number(text.slice(1)) - 1 : undefined
    if (text === '?') return next++
    // MySQL's `@name` is a variable of the session.
    if (dialect === 'mysql') return undefined
    const number = /^\?(\d+)$/.exec(text)?.[1]
    const place = number === undefined ? (named.get(text) ?? next) : Number(number) - 1
    named.set(text, place)
    next = Math.max(next, place + 1)
    return place
  }
  return tokenize(sql, dialect).flatMap((token) => {
    const place = token.kind === 'parameter' ? placeOf(token.text) : undefined
    return place === undefined ? [] : [{ token, place }]
  })
}

/** Number of values that a statement needs. */
export function bindingCount(parameters: readonly Parameter[]): number {
  return parameters.reduce((most, { place }) => Math.max(most, place + 1), 0)
}
