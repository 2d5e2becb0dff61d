import type { LookupKey } from '../../pipeline/lookup.ts'
import type { Dialect } from '../../sql/dialect.ts'

const ASCII = /^[\x20-\x7e]*$/
/** Letters that do not decompose into others, although collations treat them as equal to these. */
const LETTERS: Readonly<Record<string, string>> = {
  Æ: 'AE',
  Œ: 'OE',
  Ø: 'O',
  Đ: 'D',
  Ð: 'D',
  Ħ: 'H',
  Ł: 'L',
  Ŧ: 'T',
  Þ: 'TH',
}

/**
 * Returns the same fold for two strings that a collation may treat as equal. Case, accents, width, spaces and
 * punctuation are removed; `I`, `J` and `Y` are one letter (as in Lithuanian and Roman collations), and so
 * are `U` and `V`. The fold is coarser than any collation in common use, so different folds are different
 * keys everywhere.
 */
export function foldKey(text: string): string {
  const letters = ASCII.test(text) ? text.toUpperCase().replace(/[^0-9A-Z]+/g, '') : lettersOf(text)
  return letters.replace(/[JY]/g, 'I').replaceAll('V', 'U')
}

function lettersOf(text: string): string {
  // Convert to lower case first: some letters share their upper case with others (`ς` and `σ`, `ß` and `ss`).
  const letters = text
    .normalize('NFKD')
    .toLowerCase()
    .toUpperCase()
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}]+/gu, '')
  return letters.replace(/[ÆŒØĐÐĦŁŦÞ]/g, (letter) => LETTERS[letter] ?? letter)
}

/**
 * Keys that can be in one query: no collation treats two of them as equal. Otherwise, the database could
 * treat one as the other, and Sluice could not determine which rows belong to which key.
 */
export class KeyFolds {
  readonly #folds = new Set<string>()

  constructor(private readonly dialect: Dialect) {}

  /** Adds a key. Returns `false` if the key must not be in one query with the keys that were added before. */
  add(key: LookupKey): boolean {
    if (!hasText(key)) return true
    if (!isComparable(key, this.dialect)) return false
    const fold = foldOf(key)
    if (this.#folds.has(fold)) return false
    this.#folds.add(fold)
    return true
  }
}

export function hasText(key: LookupKey): boolean {
  return key.values.some((value) => typeof value === 'string')
}

/**
 * MySQL's collations treat letters as equal that differ in more than accents and case (`ß` and `ss`), so keys
 * that are not ASCII are not batched.
 */
export function isComparable(key: LookupKey, dialect: Dialect): boolean {
  return (
    dialect !== 'mysql' ||
    key.values.every((value) => typeof value !== 'string' || /^[\x20-\x7e]*$/.test(value))
  )
}

/** Returns the same string for keys that some collation treats as equal. */
export function foldOf(key: LookupKey): string {
  return JSON.stringify(key.values.map((value) => (typeof value === 'string' ? foldKey(value) : `i${value}`)))
}
