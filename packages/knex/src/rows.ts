import { copyValue, isCopyable } from '@sluice/core/adapter'

/** Classes that drivers use for rows: they have methods, but no additional state. */
const DRIVER_ROWS = new Set(['RowDataPacket', 'TextRow', 'BinaryRow'])

/** Copies a result: rows, and values plucked from rows. A row keeps its driver's class. */
export function copyRows(value: unknown): unknown {
  if (Array.isArray(value)) return value.some(isDriverRow) ? value.map(copyRows) : copyValue(value)
  return isDriverRow(value) ? copyDriverRow(value) : copyValue(value)
}

function copyDriverRow(row: object): unknown {
  return Object.assign(Object.create(Object.getPrototypeOf(row) as object), copyValue({ ...row }))
}

/**
 * Whether {@link copyRows} copies a result exactly: no value in it has a class that can contain additional
 * state.
 */
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
  const prototype = Object.getPrototypeOf(row) as {
    readonly constructor?: { readonly name?: unknown }
  } | null
  const name = prototype?.constructor?.name
  return typeof name === 'string' && DRIVER_ROWS.has(name)
}
