import type { LookupKey } from '../../pipeline/lookup.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { foldKey } from './fold-key.ts'

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
