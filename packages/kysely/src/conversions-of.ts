import type { Connection, Dialect } from '@sluice/core'
import type { Driver } from 'kysely'
import type { Conversions } from './conversions.ts'
import { isA } from './is-a.ts'
import { PgConversions } from './pg-conversions.ts'
import { SqliteConversions } from './sqlite-conversions.ts'

/** Other drivers do not show their conversions: those of two processes cannot be compared. */
const UNKNOWN: Conversions = {
  see: () => undefined,
  wireOf: () => undefined,
  ofRead: () => '',
  shared: () => undefined,
}

export function conversionsOf(
  driver: Driver,
  dialect: Dialect,
  connection: () => Connection | undefined,
): Conversions {
  if (isA(driver, 'PostgresDriver')) return new PgConversions(connection)
  return dialect === 'sqlite' ? new SqliteConversions(connection) : UNKNOWN
}
