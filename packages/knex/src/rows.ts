import { copyValue, isCopyable } from '@sluice/core'

/** Drivers may give rows a class of their own; a copy keeps it. */
function copyRow(row: unknown): unknown {
  if (typeof row !== 'object' || row === null) return row
  const prototype: unknown = Object.getPrototypeOf(row)
  if (prototype === Object.prototype || prototype === null || Array.isArray(row) || row instanceof Date || row instanceof Uint8Array)
    return copyValue(row)
  return Object.assign(Object.create(prototype as object), copyValue({ ...row }))
}

export function copyRows(value: unknown): unknown {
  return Array.isArray(value) ? value.map(copyRow) : copyRow(value)
}

export function isCopyableResult(value: unknown): boolean {
  const rows = Array.isArray(value) ? value : [value]
  return rows.every((row) =>
    typeof row === 'object' && row !== null && !(row instanceof Date) && !Array.isArray(row) && !(row instanceof Uint8Array)
      ? isCopyable({ ...row })
      : isCopyable(row),
  )
}
