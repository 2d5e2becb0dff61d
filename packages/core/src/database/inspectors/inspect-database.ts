import type { Connection } from '../../schema/connection.ts'
import { type Clock, systemClock } from '../../shared/clock.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { DatabaseSnapshot } from './database-snapshot.ts'
import { inspectMysql } from './mysql.ts'
import { inspectPostgresql } from './postgresql.ts'
import type { Inspected } from './row-values.ts'
import { inspectSqlite } from './sqlite.ts'

export interface InspectOptions {
  /** @defaultValue The process's own clocks. */
  readonly clock?: Clock
}

const inspectors: Record<Dialect, (connection: Connection) => Promise<Inspected>> = {
  postgresql: inspectPostgresql,
  sqlite: inspectSqlite,
  mysql: inspectMysql,
}

/**
 * Reads what a database tells of itself: its schema, sizes, statistics, settings, and what it counted. Some twenty statements, however
 * many tables there are; it writes nothing and locks nothing but what it reads of the catalogue. What cannot be read is a gap of the snapshot.
 *
 * @param connection - In no transaction: on PostgreSQL a statement that fails would end it.
 * @throws The database's own error, when not even its tables can be read.
 */
export async function inspectDatabase(connection: Connection, { clock = systemClock }: InspectOptions = {}): Promise<DatabaseSnapshot> {
  const inspected = await inspectors[connection.dialect](connection)
  return { dialect: connection.dialect, takenAt: clock.wall(), ...inspected }
}
