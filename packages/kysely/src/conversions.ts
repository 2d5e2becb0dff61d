import type { DatabaseConnection } from 'kysely'
import type { PgWire } from './pg-wire.ts'

/** How the driver behind a driver of Kysely converts values. */
export interface Conversions {
  /**
   * Called when a connection was acquired. Never rejects.
   *
   * @returns Settles when the connection can be used; `undefined`: now.
   */
  see(connection: DatabaseConnection): Promise<void> | undefined
  /** The queries that a connection submits, if it was seen before; `undefined`: unknown. */
  wireOf(connection: DatabaseConnection): PgWire | undefined
  /** Identifies the conversions of a read in this process, at this moment; `undefined`: unknown. */
  ofRead(params: readonly unknown[]): string | undefined
  /**
   * Identifies the conversions in every process; `undefined`: unknown, or not known yet.
   *
   * @param ownTypes - The oids of PostgreSQL's types, beyond those that every database has.
   */
  shared(ownTypes: readonly number[]): string | undefined
}
