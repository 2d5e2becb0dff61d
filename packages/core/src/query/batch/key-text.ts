import type { LookupKey } from '../../pipeline/lookup.ts'

const CANONICAL_INTEGER = /^-?(?:0|[1-9]\d*)$/

/**
 * The canonical text of a key value: equal for equal values, whatever driver brought them (`7` and `7n` are one key, `'7'` another).
 * `undefined` for what is never merged: null, fractions, dates, bytes, objects.
 */
export function keyText(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0) ? `i${value}` : undefined
  if (typeof value === 'bigint') return `i${value}`
  return typeof value === 'string' ? `s${value}` : undefined
}

/** A key of one or more values; `undefined` if one of them is never merged. */
export function lookupKey(values: readonly unknown[]): LookupKey | undefined {
  const first = values.length === 1 ? keyText(values[0]) : undefined
  if (values.length === 1) return first === undefined ? undefined : { values, text: first }
  const texts: string[] = []
  for (const value of values) {
    const text = keyText(value)
    if (text === undefined) return undefined
    texts.push(text)
  }
  return texts.length === 0 ? undefined : { values, text: JSON.stringify(texts) }
}

/** `i` or `s` for each value: keys of different kinds are compared differently by a database, and never share a query. */
export function keyKinds(key: LookupKey): string {
  return key.values.map((value) => (typeof value === 'string' ? 's' : 'i')).join('')
}

/** Whether a text is how a database writes an integer: no sign but minus, no leading zero. */
export function isCanonicalInteger(text: string): boolean {
  return CANONICAL_INTEGER.test(text)
}
