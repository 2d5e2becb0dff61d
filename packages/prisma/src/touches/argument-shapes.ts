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
