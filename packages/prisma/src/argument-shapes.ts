/** Whether a value is a plain record, as arguments are written: not an array, a date or a class instance. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

export type Fields = Readonly<Record<string, unknown>>

/** Whether a value is an object with named fields: not an array or bytes. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)
}

/** Wraps a single object in an array: Prisma accepts one object wherever it accepts a list. */
export function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  return value === undefined || value === null ? [] : [value]
}

/**
 * SQL of a raw query's arguments, in any form that Prisma accepts; `undefined` if it cannot be determined.
 */
export function rawText(args: unknown): string | undefined {
  if (Array.isArray(args)) return rawText(args[0])
  if (typeof args === 'string') return args
  if (typeof args !== 'object' || args === null) return undefined
  const { sql, strings, query } = args as Record<string, unknown>
  if (typeof sql === 'string') return sql
  if (typeof query === 'string') return query
  // The pieces of a template; the values between them are bound.
  return Array.isArray(strings) && strings.every((piece) => typeof piece === 'string')
    ? strings.join('?')
    : undefined
}
