import { isCanonicalInteger, keyText, typedKeyText } from '../pipeline/key-text.ts'
import type { LookupKey } from '../pipeline/lookup.ts'

/**
 * Assigns the rows to their keys, in the order in which they arrived. `undefined` if a row belongs to none of
 * the requested keys: the database compares keys by other rules than Sluice (a case-insensitive collation,
 * for example), so it is unknown which rows belong to which key.
 *
 * @param valuesOf - Returns the key's values in a row, in the order of the key.
 */
export function splitRows<TRow>(
  rows: readonly TRow[],
  keys: readonly LookupKey[],
  valuesOf: (row: TRow) => readonly unknown[],
): Map<string, TRow[]> | undefined {
  const groups = new Map<string, TRow[]>()
  for (const key of keys) groups.set(key.text, [])
  const first = keys[0]?.values ?? []
  const areTexts = first.map((value) => typeof value === 'string')
  const areTyped = first.map((value) => typeof value === 'boolean' || typeof value === 'object')
  // A string is compared with a number by its value: `'07'` finds 7. A number can only be traced back to the
  // string that requested it if every string has the form in which the database writes numbers.
  const integral = areTexts.map(
    (isText, at) => isText && keys.every((key) => isCanonicalInteger(String(key.values[at]))),
  )
  for (const row of rows) {
    const values = valuesOf(row)
    const texts = values.map((value, at) =>
      areTyped[at] === true
        ? typedKeyText(value)
        : textOfValue(value, areTexts[at] === true, integral[at] === true),
    )
    const text = texts.length === 1 ? texts[0] : texts.includes(undefined) ? undefined : JSON.stringify(texts)
    const group = text === undefined ? undefined : groups.get(text)
    if (group === undefined) return undefined
    group.push(row)
  }
  return groups
}

/** Returns the canonical string of a returned value, in the type in which it was requested. */
function textOfValue(value: unknown, isText: boolean, integral: boolean): string | undefined {
  if (typeof value === 'string') {
    if (isText) return `s${value}`
    // Drivers return large integers as strings.
    return isCanonicalInteger(value) ? `i${value}` : undefined
  }
  if (!isText) return keyText(value)
  // For a larger number, a driver may have lost the last digits.
  return integral && (typeof value === 'bigint' || Number.isSafeInteger(value))
    ? `s${String(value)}`
    : undefined
}
