import type { RowSource } from '../../pipeline/operation.ts'

type Row = Readonly<Record<string, unknown>>

/** What is kept of a row when the app may be done with it: what loops may ask by. A row itself may be large. */
export type KeepRow = (row: unknown) => unknown

/** Columns of a row that are kept where no foreign key names those that hold keys. */
export const MAX_COLUMNS = 32
/** Characters of the longest text that is taken for a key. */
const MAX_TEXT = 200

/** Keeps some columns of a row. */
export function keepColumns(source: RowSource, columns: readonly string[]): KeepRow {
  const properties = [...new Set(columns.flatMap((column) => source.property(column) ?? []))]
  return (row) => {
    if (typeof row !== 'object' || row === null) return row
    const kept: Record<string, unknown> = {}
    for (const property of properties) kept[property] = (row as Row)[property]
    return kept
  }
}

/** Keeps whatever may be a key. */
export const keepValues: KeepRow = (row) => {
  if (typeof row !== 'object' || row === null) return row
  const kept: Record<string, unknown> = {}
  for (const property of Object.keys(row).slice(0, MAX_COLUMNS)) {
    const value = (row as Row)[property]
    if (typeof value === 'number' || typeof value === 'bigint' || (typeof value === 'string' && value.length <= MAX_TEXT))
      kept[property] = value
  }
  return kept
}
