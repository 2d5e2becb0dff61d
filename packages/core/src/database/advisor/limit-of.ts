import { termValue } from './selectivity.ts'
import type { StatementUse } from './table-use.ts'

/** What a page is taken to hold where nobody knows. */
const USUAL = 20

/** Rows that a statement asks for at most; `undefined` without a LIMIT. */
export function limitOf({ limit }: StatementUse, bindings: readonly unknown[]): number | undefined {
  if (limit === undefined) return undefined
  const value = Number(termValue(limit, bindings) ?? USUAL)
  // SQLite: a negative one is none.
  return Number.isNaN(value) ? USUAL : value < 0 ? undefined : value
}
