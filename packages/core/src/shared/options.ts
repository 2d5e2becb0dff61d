import { types } from 'node:util'
import { closest } from './closest.ts'
import { describe, InvalidArgumentError, InvalidOptionError, SluiceError } from './errors.ts'

/** A rule for an option: a description for people, and the check. */
export interface OptionRule {
  readonly expected: string
  accepts(value: unknown): boolean
  /**
   * The option protects data or access. An explicit `undefined` is rejected: it is usually an environment
   * variable that is not set, and must not disable the protection. Messages do not contain the value.
   */
  readonly isProtection?: true
}

const rule = (expected: string, accepts: OptionRule['accepts']): OptionRule => ({ expected, accepts })

/** The available rules. */
export interface OptionRules {
  readonly boolean: OptionRule
  readonly callback: OptionRule
  readonly clock: OptionRule
  readonly object: OptionRule
  readonly array: OptionRule
  readonly string: OptionRule
  readonly strings: OptionRule
  readonly positive: OptionRule
  readonly false: OptionRule
  integer(min: number, max?: number): OptionRule
  number(min: number, max?: number): OptionRule
  oneOf(...values: readonly string[]): OptionRule
  either(...rules: readonly OptionRule[]): OptionRule
  protection(rule: OptionRule): OptionRule
}

/** Whether an object has no fields that could be options. */
function isBuiltIn(value: object): boolean {
  return (
    types.isMap(value) ||
    types.isSet(value) ||
    types.isDate(value) ||
    types.isRegExp(value) ||
    types.isPromise(value) ||
    types.isBoxedPrimitive(value) ||
    ArrayBuffer.isView(value)
  )
}

/** Rules for the options of Sluice. Each accepts what its words say, and nothing else. */
export const option: OptionRules = {
  boolean: rule('true or false', (value) => typeof value === 'boolean'),
  callback: rule('a function', (value) => typeof value === 'function'),
  clock: rule('a clock with now() and wall()', (value) => {
    const { now, wall } = value as { readonly now?: unknown; readonly wall?: unknown }
    return typeof now === 'function' && typeof wall === 'function'
  }),
  object: rule(
    'an object',
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && !isBuiltIn(value),
  ),
  array: rule('an array', Array.isArray),
  string: rule('a string', (value) => typeof value === 'string'),
  strings: rule(
    'an array of strings',
    (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
  ),
  integer: (min: number, max: number = Number.MAX_SAFE_INTEGER): OptionRule =>
    rule(
      max === Number.MAX_SAFE_INTEGER ? `an integer of at least ${min}` : `an integer from ${min} to ${max}`,
      (value) => (Number.isInteger(value) ? (value as number) >= min && (value as number) <= max : false),
    ),
  number: (min: number, max: number = Number.POSITIVE_INFINITY): OptionRule =>
    rule(
      max === Number.POSITIVE_INFINITY ? `a number of at least ${min}` : `a number from ${min} to ${max}`,
      (value) =>
        typeof value === 'number' && value >= min && value <= max && value !== Number.POSITIVE_INFINITY,
    ),
  positive: rule(
    'a number greater than 0',
    (value) => typeof value === 'number' && value > 0 && value !== Number.POSITIVE_INFINITY,
  ),
  oneOf: (...values: readonly string[]): OptionRule =>
    rule(values.map((value) => JSON.stringify(value)).join(' or '), (value) =>
      values.includes(value as string),
    ),
  either: (...rules: readonly OptionRule[]): OptionRule =>
    rule(rules.map((one) => one.expected).join(', or '), (value) => rules.some((one) => one.accepts(value))),
  false: rule('false', (value) => value === false),
  protection: (one: OptionRule): OptionRule => ({ ...one, isProtection: true }),
}

/** An option has a name that does not exist. */
export class UnknownOptionError extends InvalidOptionError {
  constructor(name: string, known: readonly string[], prefix: string) {
    const similar = closest(name, known)
    const hint = similar === undefined ? '' : ` Did you mean "${prefix}${similar}"?`
    const message = `Unknown option "${prefix}${name}".${hint} Known options: ${known.join(', ')}.`
    super(`${prefix}${name}`, 'a known option', undefined, message)
  }
}

/** A value whose properties cannot be read is not accepted. */
function isAccepted(rule: OptionRule, value: unknown): boolean {
  try {
    return rule.accepts(value)
  } catch (error) {
    if (error instanceof SluiceError) throw error
    return false
  }
}

/** @throws InvalidOptionError if a rule does not accept a value. */
export function checkOption(name: string, rule: OptionRule, value: unknown): void {
  if (isAccepted(rule, value)) return
  if (rule.isProtection !== true) throw new InvalidOptionError(name, rule.expected, value)
  // Not even a part of a secret belongs in a message.
  const received = typeof value === 'string' ? `a string of ${value.length} characters` : describe(value)
  const hint = value === undefined || value === '' ? ' Check that its environment variable is set.' : ''
  const message = `Option "${name}": expected ${rule.expected}, got ${received}.${hint}`
  throw new InvalidOptionError(name, rule.expected, undefined, message)
}

/** @throws InvalidArgumentError if a rule does not accept the argument of a call. */
export function checkArgument(name: string, rule: OptionRule, value: unknown): void {
  if (!rule.accepts(value)) throw new InvalidArgumentError(name, rule.expected, value)
}

/**
 * Validates an options object: rejects unknown names, wrong types and values out of bounds. `undefined` means
 * "not set", except for an option that protects something.
 *
 * @param prefix - Prefix of an option's name in messages, for example `cache.`; empty at the top.
 * @throws InvalidOptionError with the option, the expected and the received value.
 */
export function checkOptions(
  options: unknown,
  rules: Readonly<Record<string, OptionRule>>,
  prefix = '',
): void {
  if (!isAccepted(option.object, options)) throw new InvalidOptionError(groupOf(prefix), 'an object', options)
  try {
    checkEach(options as Readonly<Record<string, unknown>>, rules, prefix)
  } catch (error) {
    if (error instanceof SluiceError) throw error
    throw new InvalidOptionError(groupOf(prefix), 'an object whose properties can be read', options)
  }
}

/** The name of the options with this prefix, in messages. */
function groupOf(prefix: string): string {
  return prefix.replace(/\.$/, '') || 'options'
}

function checkEach(
  passed: Readonly<Record<string, unknown>>,
  rules: Readonly<Record<string, OptionRule>>,
  prefix: string,
): void {
  // Calls are checked, too: an array of entries and a look for own rules cost more than the checks.
  for (const name in passed) {
    const value = passed[name]
    const known = rules[name]
    // Properties that `rules` inherits are not rules.
    const isKnown = typeof known?.accepts === 'function'
    if (isKnown && (value === undefined ? known.isProtection !== true : isAccepted(known, value))) continue
    // Inherited properties are not options.
    if (!Object.hasOwn(passed, name)) continue
    if (!isKnown) throw new UnknownOptionError(name, Object.keys(rules), prefix)
    checkOption(`${prefix}${name}`, known, value)
  }
}
