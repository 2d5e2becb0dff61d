import type { Dialect } from '@sluice/core'

/** Random schemas that `generate.mjs` generates and the tests run. */
export const SCHEMAS = 25

/** One random schema. */
export interface SchemaPlace {
  readonly seed: number
  readonly dialect: Dialect
  /** Its folder under `generated/schemas`. */
  readonly folder: string
}

const DIALECTS = ['sqlite', 'postgresql', 'mysql'] as const

/** The schema at an index; databases alternate. */
export function schemaAt(index: number): SchemaPlace {
  const dialect = DIALECTS[index % DIALECTS.length] ?? 'sqlite'
  return { seed: 7_000 + index, dialect, folder: `${String(index).padStart(3, '0')}-${dialect}` }
}
