import type { ColumnType } from '../../schema/catalog-data.ts'
import { canonicalKey } from '../../shared/canonical.ts'

/** An id as its column holds it: `'5'` is the number 5 in a column of integers. */
export function keyFor(id: unknown, type: ColumnType): unknown {
  if (type !== 'integer' || typeof id !== 'string' || !/^-?\d{1,30}$/.test(id)) return id
  const number = Number(id)
  return Number.isSafeInteger(number) ? number : BigInt(id)
}

/** A text that is equal for the values that a column takes for equal, however drivers hand them out; case and accents aside. */
export function keyText(value: unknown, type: ColumnType): string | undefined {
  if (value === null || value === undefined) return undefined
  if (type === 'integer' && (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string')) return String(value)
  if (type === 'decimal' || type === 'float') return String(Number(value))
  if (type === 'datetime') {
    const ms = value instanceof Date ? value.getTime() : new Date(value as string | number).getTime()
    return Number.isNaN(ms) ? String(value) : String(ms)
  }
  return typeof value === 'string' ? value : canonicalKey(value)
}

/** Texts that some collation takes for equal have one fold. */
export function foldKey(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().trimEnd()
}
