import { InvalidOptionError } from '@sluice/core'

interface Rule {
  readonly expected: string
  accepts(value: unknown): boolean
}

export type Rules = Readonly<Record<string, Rule>>

export function oneOf(expected: string, accepts: (value: unknown) => boolean): Rule {
  return { expected, accepts }
}

export const isObject: Rule = oneOf('an object', (value) => typeof value === 'object' && value !== null && !Array.isArray(value))

export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Rule {
  const expected = max === Number.MAX_SAFE_INTEGER ? `an integer of at least ${min}` : `an integer from ${min} to ${max}`
  return oneOf(expected, (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max)
}

export function number(min: number, max: number = Number.MAX_VALUE): Rule {
  const expected = max === Number.MAX_VALUE ? `a number of at least ${min}` : `a number from ${min} to ${max}`
  return oneOf(expected, (value) => typeof value === 'number' && value >= min && value <= max)
}

/** @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of bounds. */
export function check(options: unknown, rules: Rules, prefix: string): void {
  if (!isObject.accepts(options)) throw new InvalidOptionError(prefix.replace(/\.$/, '') || 'options', isObject.expected, options)
  for (const [name, value] of Object.entries(options as object)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (rule === undefined)
      throw new InvalidOptionError(`${prefix}${name}`, `one of ${Object.keys(rules).join(', ')}`, `unknown option "${name}"`)
    if (value !== undefined && !rule.accepts(value)) throw new InvalidOptionError(`${prefix}${name}`, rule.expected, value)
  }
}
