import type { Connection } from '../../schema/connection.ts'
import { type Clock, systemClock } from '../../shared/clock.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { DatabaseSnapshot } from './database-snapshot.ts'
import { inspectMysql } from './mysql.ts'
import { inspectPostgresql } from './postgresql.ts'
import type { Inspected } from './row-values.ts'
import { inspectSqlite } from './sqlite.ts'

export interface InspectOptions {
  /** @defaultValue The process's clocks. */
  readonly clock?: Clock
}

const inspectors: Record<Dialect, (connection: Connection) => Promise<Inspected>> = {
  postgresql: inspectPostgresql,
  sqlite: inspectSqlite,
  mysql: inspectMysql,
}

/**
 * Reads a database's schema, sizes, statistics, settings, and counters. Sends about 20 statements, regardless
 * of the number of tables. Writes nothing, and locks only the catalog entries that it reads. Information that
 * cannot be read is a gap of the snapshot.
 *
 * @param connection - Outside transactions: on PostgreSQL, a failed statement would abort the transaction.
 * @throws The database's error, if its tables cannot be read.
 */
export async function inspectDatabase(
  connection: Connection,
  { clock = systemClock }: InspectOptions = {},
): Promise<DatabaseSnapshot> {
  const inspected = await inspectors[connection.dialect](connection)
  return { dialect: connection.dialect, takenAt: clock.wall(), ...inspected }
}
