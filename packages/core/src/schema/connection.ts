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
  /**
   * Runs work on one session of the database: what is set or made for the session (`SET`, temporary tables, hypothetical indexes) is there for
   * all of its queries, and nobody else's statements come in between. Left out where that cannot be had.
   *
   * @throws Whatever the work throws. The session is given back, as it was or not at all.
   */
  session?<T>(work: (session: Connection) => Promise<T>): Promise<T>
}
