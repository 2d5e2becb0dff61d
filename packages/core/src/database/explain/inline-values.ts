import { InvalidArgumentError } from '../../shared/errors.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { literalOf } from './literals.ts'
import { parametersOf } from './parameters.ts'

/**
 * Writes values into a text, in place of its parameters.
 *
 * @param bindings - By place, whichever way the dialect numbers them.
 * @throws InvalidArgumentError when a value is missing or cannot be written; SqlSyntaxError when the text cannot be split into tokens.
 */
export function inlineValues(sql: string, dialect: Dialect, bindings: readonly unknown[]): string {
  let text = ''
  let end = 0
  for (const { token, place } of parametersOf(sql, dialect)) {
    const value = bindings[place]
    if (value === undefined) throw new InvalidArgumentError('bindings', `a value for each parameter (${token.text})`, bindings)
    text += sql.slice(end, token.start)
    const literal = literalOf(value, dialect)
    // `LIMIT?` and `?AND` are no words.
    text += isNamePart(text.at(-1)) ? ` ${literal}` : literal
    if (isNamePart(sql[token.end])) text += ' '
    end = token.end
  }
  return text + sql.slice(end)
}

function isNamePart(character: string | undefined): boolean {
  return character !== undefined && /[\w$\u0080-\uffff]/.test(character)
}
