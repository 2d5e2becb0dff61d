import type { Row } from '../../schema/readers/row-values.ts'

/** A number as any driver gives it (`bigint` and decimals come as text from some); `undefined` for null and for what is no finite number. */
export function numberOf(row: Row, column: string): number | undefined {
  const value = row[column]
  if (value === null || value === undefined || value === '') return undefined
  const number = typeof value === 'number' ? value : Number(value instanceof Uint8Array ? Buffer.from(value).toString() : value)
  return Number.isFinite(number) ? number : undefined
}
