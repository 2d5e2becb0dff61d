import type { Connection, Dialect } from '@sluice/core'
import { type DatabaseConnection, type Driver, PostgresDriver } from 'kysely'
import { isA } from './is-a.ts'
import { PgConversions } from './pg-conversions.ts'
import { SqliteConversions } from './sqlite-conversions.ts'

/** How the driver behind a driver of Kysely converts values. */
export interface Conversions {
  /**
   * Called when a connection was acquired. Never rejects.
   *
   * @returns Settles when the connection can be used; `undefined`: now.
   */
  see(connection: DatabaseConnection): Promise<void> | undefined
  /** Identifies the conversions of a read in this process, at this moment; `undefined`: unknown. */
  ofRead(params: readonly unknown[]): string | undefined
  /**
   * Identifies the conversions in every process; `undefined`: unknown, or not known yet.
   *
   * @param ownTypes - The oids of PostgreSQL's types, beyond those that every database has.
   */
  shared(ownTypes: readonly number[]): string | undefined
}

/** Other drivers do not show their conversions: those of two processes cannot be compared. */
const UNKNOWN: Conversions = { see: () => undefined, ofRead: () => '', shared: () => undefined }

export function conversionsOf(
  driver: Driver,
  dialect: Dialect,
  connection: () => Connection | undefined,
): Conversions {
  if (isA(driver, PostgresDriver, 'PostgresDriver')) return new PgConversions(connection)
  return dialect === 'sqlite' ? new SqliteConversions(connection) : UNKNOWN
}
