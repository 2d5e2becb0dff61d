import type { LookupKey } from '../../pipeline/lookup.ts'
import type { Dialect } from '../../sql/dialect.ts'

const ASCII = /^[\x20-\x7e]*$/
/** Letters that no decomposition leads to others, though collations hold them equal to those. */
const LETTERS: Readonly<Record<string, string>> = { Æ: 'AE', Œ: 'OE', Ø: 'O', Đ: 'D', Ð: 'D', Ħ: 'H', Ł: 'L', Ŧ: 'T', Þ: 'TH' }

/**
 * Two texts that a collation may hold equal have one fold: case, accents, width, spaces and punctuation are dropped, `I`, `J` and `Y`
 * are one letter (as in Lithuanian and Roman collations), and so are `U` and `V`.
 * Coarser than any collation in common use, so that different folds are different keys everywhere.
 */
export function foldKey(text: string): string {
  const letters = ASCII.test(text) ? text.toUpperCase().replace(/[^0-9A-Z]+/g, '') : lettersOf(text)
  return letters.replace(/[JY]/g, 'I').replaceAll('V', 'U')
}

function lettersOf(text: string): string {
  // To lower case first: some letters have an upper case that others share (`ς` and `σ`, `ß` and `ss`).
  const letters = text
    .normalize('NFKD')
    .toLowerCase()
    .toUpperCase()
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}]+/gu, '')
  return letters.replace(/[ÆŒØĐÐĦŁŦÞ]/g, (letter) => LETTERS[letter] ?? letter)
}

/**
 * Keys that may stand in one query: no two of them are equal to any collation. Where a database might take one for another,
 * it could not be told whose rows came back.
 */
export class KeyFolds {
  readonly #folds = new Set<string>()

  constructor(private readonly dialect: Dialect) {}

  /** Takes a key in; `false` when it must not be asked together with those that are in. */
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

/** MySQL's collations equate letters beyond accents and case (`ß` and `ss`): its other alphabets are not merged. */
export function isComparable(key: LookupKey, dialect: Dialect): boolean {
  return dialect !== 'mysql' || key.values.every((value) => typeof value !== 'string' || /^[\x20-\x7e]*$/.test(value))
}

/** Equal for keys that some collation holds equal. */
export function foldOf(key: LookupKey): string {
  return JSON.stringify(key.values.map((value) => (typeof value === 'string' ? foldKey(value) : `i${value}`)))
}
