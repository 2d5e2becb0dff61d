/** Copies the columns of a result: a caller may change them, and drivers create them for each result. */
export function copyColumns(columns: readonly unknown[]): unknown[] {
  return columns.map(copyColumn)
}

/**
 * Copies the columns of a result whose caller may change them later. `mysql2` decodes some members when they
 * are first read, from bytes that all copies share.
 */
export function decodedColumns(columns: readonly unknown[]): unknown[] {
  const copies = copyColumns(columns)
  for (const copy of copies) {
    const members = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(copy ?? {}) ?? {})
    for (const [name, { get }] of Object.entries(members)) if (name !== '__proto__') get?.call(copy)
  }
  return copies
}

function copyColumn(column: unknown): unknown {
  if (typeof column !== 'object' || column === null) return column
  return Object.create(Object.getPrototypeOf(column), Object.getOwnPropertyDescriptors(column))
}
