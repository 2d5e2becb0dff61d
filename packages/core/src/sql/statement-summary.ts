import type { Statement } from './statement-types.ts'

/** What a statement does to what, in a few words without values, as OpenTelemetry has it. */
export interface StatementSummary {
  /** `SELECT`; empty where it cannot be told. */
  readonly operation: string
  /** The one table that it touches; empty where it is none, or several. */
  readonly table: string
  /** `SELECT cities regions`: https://opentelemetry.io/docs/specs/semconv/database/database-spans/. */
  readonly summary: string
}

const MAX_SUMMARY = 255

export function summarizeStatement({ kinds, reads, writes }: Statement): StatementSummary {
  const tables = [...new Set([...writes.map(({ name }) => name.join('.')), ...reads.map((name) => name.join('.'))])]
  // What a common table expression reads is there for what is done with it.
  const operation = (writes.length > 0 ? kinds.find((kind) => kind !== 'SELECT' && kind !== 'WITH') : undefined) ?? kinds[0] ?? ''
  const words = [operation, ...tables].filter((word) => word !== '')
  return { operation, table: tables.length === 1 ? (tables[0] ?? '') : '', summary: words.join(' ').slice(0, MAX_SUMMARY) }
}
