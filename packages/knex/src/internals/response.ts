import type { Dialect } from '@sluice/core'

/**
 * Number of rows in a driver's response: SQLite returns rows or `{ changes }`, PostgreSQL `{ rows }`, MySQL
 * `[rows, fields]`.
 */
export function rowsIn(response: unknown): number {
  if (Array.isArray(response)) return Array.isArray(response[0]) ? response[0].length : response.length
  const rows = (response as { readonly rows?: unknown } | null | undefined)?.rows
  return Array.isArray(rows) ? rows.length : 0
}

/** PostgreSQL responds with ROLLBACK to the COMMIT of a failed transaction. */
export function wasRolledBack(response: unknown): boolean {
  return (response as { readonly command?: unknown } | null | undefined)?.command === 'ROLLBACK'
}

/** A response's rows as objects, for Sluice's catalog queries. */
export function rowsOf(response: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (Array.isArray(response))
    return (Array.isArray(response[0]) ? response[0] : response) as Record<string, unknown>[]
  const rows = (response as { readonly rows?: unknown } | null | undefined)?.rows
  return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : []
}

/** MySQL's response to a statement without a result set does not contain a list of rows. */
export function rowsOfQuery(
  response: unknown,
  dialect: Dialect,
): readonly Readonly<Record<string, unknown>>[] {
  return dialect === 'mysql' && Array.isArray(response) && !Array.isArray(response[0]) ? [] : rowsOf(response)
}
