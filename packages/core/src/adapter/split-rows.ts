import { isCanonicalInteger, keyText, typedKeyText } from '../pipeline/key-text.ts'
import type { LookupKey } from '../pipeline/lookup.ts'

/**
 * Gives each key its rows, in the order in which they came.
 * `undefined` when a row belongs to no key that was asked for: the database compares otherwise than we do
 * (a case-insensitive collation, say), so which rows belong to which key is not known.
 *
 * @param valuesOf - The key's values in a row, in the order of the key.
 */
export function splitRows<TRow>(
  rows: readonly TRow[],
  keys: readonly LookupKey[],
  valuesOf: (row: TRow) => readonly unknown[],
): Map<string, TRow[]> | undefined {
  const groups = new Map<string, TRow[]>()
  for (const key of keys) groups.set(key.text, [])
  const first = keys[0]?.values ?? []
  const askedTexts = first.map((value) => typeof value === 'string')
  const askedTyped = first.map((value) => typeof value === 'boolean' || typeof value === 'object')
  // A text is compared with a number by its value: `'07'` finds 7. Only where every text is written as the database writes
  // numbers can a number be traced back to the text that asked for it.
  const integral = askedTexts.map((isText, at) => isText && keys.every((key) => isCanonicalInteger(String(key.values[at]))))
  for (const row of rows) {
    const values = valuesOf(row)
    const texts = values.map((value, at) =>
      askedTyped[at] === true ? typedKeyText(value) : textAsAsked(value, askedTexts[at] === true, integral[at] === true),
    )
    const text = texts.length === 1 ? texts[0] : texts.includes(undefined) ? undefined : JSON.stringify(texts)
    const group = text === undefined ? undefined : groups.get(text)
    if (group === undefined) return undefined
    group.push(row)
  }
  return groups
}

/** A returned value's canonical text, in the kind in which it was asked for. */
function textAsAsked(value: unknown, askedText: boolean, integral: boolean): string | undefined {
  if (typeof value === 'string') {
    if (askedText) return `s${value}`
    // Drivers hand out large integers as text.
    return isCanonicalInteger(value) ? `i${value}` : undefined
  }
  if (!askedText) return keyText(value)
  // Of a larger number, a driver may have lost the last digits.
  return integral && (typeof value === 'bigint' || Number.isSafeInteger(value)) ? `s${String(value)}` : undefined
}
