import { copyValue, isCopyable } from '@sluice/core/adapter'

/** Classes that drivers give to rows: they have methods and no state of their own. */
const DRIVER_ROWS = new Set(['RowDataPacket', 'TextRow', 'BinaryRow'])

/** Copies a result: rows, and what was plucked from them. A row keeps the class that its driver gave it. */
export function copyRows(value: unknown): unknown {
  return Array.isArray(value) ? value.map(copyRow) : copyRow(value)
}

function copyRow(row: unknown): unknown {
  if (!isDriverRow(row)) return copyValue(row)
  return Object.assign(Object.create(Object.getPrototypeOf(row) as object), copyValue({ ...row }))
}

/** Whether {@link copyRows} copies a result exactly: no value in it is of a class that may keep a state of its own. */
export function isCopyableResult(value: unknown): boolean {
  if (!Array.isArray(value) || !value.some(isDriverRow)) return isCopyableRow(value)
  return value.every(isCopyableRow)
}

function isCopyableRow(row: unknown): boolean {
  if (!isDriverRow(row)) return isCopyable(row)
  return Reflect.ownKeys(row).length === Object.keys(row).length && isCopyable({ ...row })
}

function isDriverRow(row: unknown): row is object {
  if (typeof row !== 'object' || row === null) return false
  const prototype = Object.getPrototypeOf(row) as { readonly constructor?: { readonly name?: unknown } } | null
  const name = prototype?.constructor?.name
  return typeof name === 'string' && DRIVER_ROWS.has(name)
}
