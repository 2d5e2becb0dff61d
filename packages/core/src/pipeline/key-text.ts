import type { LookupKey } from './lookup.ts'
import { type Refusal, refuse } from './operation.ts'

const CANONICAL_INTEGER = /^(?:0|-?[1-9]\d*)$/
/** Longer strings are unlikely to be keys, and are expensive to compare. */
const MAX_TEXT = 1000
/** Half of a surrogate pair: drivers replace it with another character. */
const SINGLE_SURROGATE = /\p{Cs}/u

/**
 * The canonical string of a key value: equal for equal values, regardless of the driver that returned them
 * (`7` and `7n` are one key, `'7'` is another). `undefined` for values that are never batched: null,
 * fractions, dates, bytes, objects, and strings that are long or not valid Unicode.
 */
export function keyText(value: unknown): string | undefined {
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? `i${value}` : undefined
  if (typeof value === 'bigint') return `i${value}`
  return typeof value === 'string' && isKeyText(value) ? `s${value}` : undefined
}

/**
 * Like {@link keyText}, and also booleans, dates and bytes, for columns that compare them exactly as they are
 * written.
 */
export function typedKeyText(value: unknown): string | undefined {
  if (typeof value === 'boolean') return value ? 'b1' : 'b0'
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : `t${value.getTime()}`
  if (value instanceof Uint8Array)
    return `x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}`
  return keyText(value)
}

/**
 * A key of one or more values; `undefined` if one of them is never batched.
 *
 * @param textOf - Returns the string that distinguishes a value; `undefined` if the value is never batched.
 */
export function lookupKey(
  values: readonly unknown[],
  textOf: (value: unknown) => string | undefined = keyText,
): LookupKey | undefined {
  const first = values.length === 1 ? textOf(values[0]) : undefined
  if (values.length === 1) return first === undefined ? undefined : { values, text: first }
  const texts: string[] = []
  for (const value of values) {
    const text = textOf(value)
    if (text === undefined) return undefined
    texts.push(text)
  }
  return texts.length === 0 ? undefined : { values, text: JSON.stringify(texts) }
}

/**
 * A letter for each value (`i`, `s`, `b`, `t` or `x`: integer, string, boolean, time, bytes). A database
 * compares keys of different kinds differently, so they never share a query.
 */
export function keyKinds(key: LookupKey): string {
  return key.values.map(kindOf).join('')
}

function kindOf(value: unknown): string {
  if (typeof value === 'string') return 's'
  if (typeof value === 'boolean') return 'b'
  return value instanceof Date ? 't' : value instanceof Uint8Array ? 'x' : 'i'
}

function isKeyText(text: string): boolean {
  return text.length <= MAX_TEXT && !SINGLE_SURROGATE.test(text)
}

/** The reason why values are not a key. */
export function keyRefusal(values: readonly unknown[]): Refusal {
  if (values.includes(null)) return refuse('NULL_KEY')
  return refuse(
    values.some((value) => typeof value === 'string' && value.length > MAX_TEXT)
      ? 'KEY_TOO_LONG'
      : 'UNSUPPORTED_KEY_TYPE',
  )
}

/**
 * Whether a string is the form in which a database writes an integer: no sign except minus, no leading zero.
 */
export function isCanonicalInteger(text: string): boolean {
  return CANONICAL_INTEGER.test(text)
}
