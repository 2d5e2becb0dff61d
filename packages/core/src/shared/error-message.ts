import { types } from 'node:util'
import { redactStart } from './redact.ts'
import { factsOf, isInstance, readData, readThrown } from './thrown.ts'

const MAX_MESSAGE = 16_384
const MAX_STACK = 32_768
const MAX_NAME = 200
const MAX_AGGREGATES = 5

/**
 * The message of any thrown value, such as a driver's error, without passwords. If it is empty: that of the
 * first aggregated error, or the error's code or name. Never throws, and is bounded in length and in time.
 *
 * @param maxLength - Maximum number of characters.
 */
export function errorMessage(error: unknown, maxLength: number = MAX_MESSAGE): string {
  let at = error
  for (let depth = 0; ; depth += 1) {
    const { isError, message, code, name } = factsOf(at)
    // A host name with several addresses has one error for each.
    const first = message === '' && depth < MAX_AGGREGATES ? aggregatedIn(at)[0] : undefined
    if (first === undefined)
      return redactStart(isError && message === '' ? String(code ?? (name || 'Error')) : message, maxLength)
    at = first
  }
}

/**
 * The stack of any thrown value, without passwords; `undefined` if it has none. Never throws, and is bounded
 * in length and in time.
 */
export function errorStack(error: unknown, maxLength: number = MAX_STACK): string | undefined {
  const { isError, stack } = factsOf(error)
  return isError && stack !== undefined ? redactStart(stack, maxLength) : undefined
}

const MAX_CAUSES = 5
const MAX_ERRORS = 50
const MAX_FIELDS = 50

/**
 * A thrown value for a log: an error with its type, message, stack, causes and plain fields, without
 * passwords; any other value as a primitive. Other fields are omitted, such as the command of a Redis client,
 * which contains the password for `AUTH`. Runs code of the value only to read it, never throws, and is
 * bounded in length and in time.
 */
export function errorForLog(error: unknown): unknown {
  return shownOf(error, 0, { left: MAX_ERRORS })
}

function shownOf(error: unknown, depth: number, budget: { left: number }): unknown {
  budget.left -= 1
  if (error === null || ['number', 'boolean', 'undefined'].includes(typeof error)) return error
  const { isError, message, name, code } = factsOf(error)
  if (!isError) return errorMessage(error)
  const shown = new Error(redactStart(message, MAX_MESSAGE))
  const set = (key: string, value: unknown, enumerable: boolean) =>
    Object.defineProperty(shown, key, { value, enumerable, writable: true, configurable: true })
  // Keeps the type without calling its constructor, whose parameters are unknown.
  if (isInstance(error, Error)) Object.setPrototypeOf(shown, Object.getPrototypeOf(error))
  for (const [key, value] of plainFields(error as object)) set(key, value, true)
  // A getter of its class could throw.
  if (name === undefined || name !== readData(shown, 'name'))
    set('name', redactStart(name ?? 'Error', MAX_NAME), false)
  if (code !== readData(shown, 'code')) set('code', code, true)
  set('stack', errorStack(error) ?? '', false)
  if (depth >= MAX_CAUSES || budget.left <= 0) return shown
  const cause = readThrown(error, 'cause')
  if (cause !== undefined) set('cause', shownOf(cause, depth + 1, budget), false)
  const errors = aggregatedIn(error)
  if (errors.length > 0)
    set('errors', errors.slice(0, budget.left).map((one) => shownOf(one, depth + 1, budget)), false) // biome-ignore format: one field
  return shown
}

/** Enumerable fields that are primitives; not accessors, which run code. */
function plainFields(error: object): readonly (readonly [string, unknown])[] {
  if (types.isProxy(error)) return []
  return Object.keys(error)
    .slice(0, MAX_FIELDS)
    .map((key) => [key, readData(error, key)] as const)
    .filter(([, value]) => value === null || (typeof value !== 'object' && typeof value !== 'function'))
    .map(([key, value]) => [key, typeof value === 'string' ? redactStart(value, MAX_MESSAGE) : value])
}

/** The first errors of an `AggregateError`. */
function aggregatedIn(error: unknown): readonly unknown[] {
  if (!isInstance(error, AggregateError)) return []
  const errors = readData(error, 'errors')
  if (types.isProxy(errors) || !Array.isArray(errors)) return []
  return Array.from({ length: Math.min(errors.length, MAX_ERRORS) }, (_, index) => readThrown(errors, index))
}
