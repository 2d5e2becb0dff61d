import { InvalidArgumentError } from '../../shared/errors.ts'
import type { Token } from '../tokenize.ts'

/** A value of a query: bound, or a literal. */
export interface Bound {
  readonly value: unknown
}

/**
 * Returns the values of a statement by token index: the value of each parameter, and each literal that can be
 * bound as well.
 *
 * @throws InvalidArgumentError if placeholders are named, or the number of parameters does not match.
 */
export function bindValues(
  tokens: readonly Token[],
  parameters: readonly unknown[],
  argument: string,
): Map<number, Bound> {
  const values = new Map<number, Bound>()
  let next = 0
  let used = 0
  tokens.forEach((token, at) => {
    if (token.kind === 'parameter') {
      const index = token.text === '?' ? next++ : numberOf(token.text, argument) - 1
      if (index >= parameters.length) {
        throw new InvalidArgumentError(
          argument,
          `a parameter for each placeholder`,
          `${parameters.length} for ${token.text} at ${index + 1}`,
        )
      }
      used = Math.max(used, index + 1)
      values.set(at, { value: parameters[index] })
      return
    }
    const literal = literalOf(token)
    if (literal !== undefined) values.set(at, literal)
  })
  if (used < parameters.length) {
    throw new InvalidArgumentError(
      argument,
      `a placeholder for each parameter`,
      `${parameters.length} parameters for ${used}`,
    )
  }
  return values
}

function numberOf(placeholder: string, argument: string): number {
  const digits = placeholder.slice(1)
  if (!'$?'.includes(placeholder.charAt(0)) || !/^[1-9]\d*$/.test(digits)) {
    throw new InvalidArgumentError(argument, 'the placeholders `?` or `$1`', placeholder)
  }
  return Number(digits)
}

/**
 * Returns the value of a number or a plain string. Other literals (`E''`, `x''`, strings with backslashes)
 * are not changed.
 */
function literalOf({ kind, text }: Token): Bound | undefined {
  if (kind === 'number') {
    const value = Number(text)
    if (/^\d+$/.test(text)) return { value: Number.isSafeInteger(value) ? value : BigInt(text) }
    return /^[\d.]+$/.test(text) ? { value } : undefined
  }
  if (kind !== 'string' || text.includes('\\')) return undefined
  const quote = text.charAt(0)
  return quote === "'" || quote === '"'
    ? { value: text.slice(1, -1).replaceAll(quote + quote, quote) }
    : undefined
}
