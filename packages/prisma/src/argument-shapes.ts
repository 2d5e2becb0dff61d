/** Whether a value is a record as arguments are written: no list, no date, no class of its own. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

export type Fields = Readonly<Record<string, unknown>>

/** Whether a value is an object of named fields: no list, no bytes. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)
}

/** Prisma takes one object wherever it takes a list of them. */
export function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  return value === undefined || value === null ? [] : [value]
}

/** The text of a raw query's arguments, however Prisma was given them; `undefined` when it cannot be told. */
export function rawText(args: unknown): string | undefined {
  if (Array.isArray(args)) return rawText(args[0])
  if (typeof args === 'string') return args
  if (typeof args !== 'object' || args === null) return undefined
  const { sql, strings, query } = args as Record<string, unknown>
  if (typeof sql === 'string') return sql
  if (typeof query === 'string') return query
  // A template's pieces; what stands between them is bound.
  return Array.isArray(strings) && strings.every((piece) => typeof piece === 'string') ? strings.join('?') : undefined
}
