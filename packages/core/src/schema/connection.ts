import type { Dialect } from '../sql/dialect.ts'

/** A way to ask a database, given by an adapter. Catalogue readers and inspectors build on it. */
export interface Connection {
  readonly dialect: Dialect
  /**
   * Runs one statement and returns its rows, each an object by column name.
   *
   * @param params - Bound in order; placeholders are the dialect's own (`$1` on PostgreSQL, `?` elsewhere).
   */
  query(sql: string, params?: readonly unknown[]): Promise<readonly Readonly<Record<string, unknown>>[]>
}
