import type { Dialect } from '../sql/dialect.ts'
import { inDatabases } from './catalog-scope.ts'
import type { Connection } from './connection.ts'
import { optionalTextOf, type Row } from './readers/row-values.ts'

/** A counter of a database server that rises with every transaction that writes, at one moment. */
export interface CounterReading {
  readonly value: bigint
  /** Whether no transaction that it already counts can still take effect. */
  readonly isSettled: boolean
  readonly server: string
  /** Seconds since the server was started, if `server` does not change when it is started again. */
  readonly uptime: number
}

/**
 * Columns of a reading, for any SELECT without FROM, and whether the counter counts every write. SQLite needs
 * several statements.
 */
interface CounterSql {
  readonly reading: string
  readonly countsAll: (databases: readonly string[]) => string
}

/**
 * PostgreSQL: the number of the latest transaction that has ended, plus one. The function exists in all
 * versions. Forks and extensions that store rows elsewhere do not raise it; on a standby, it lags.
 *
 * MariaDB: the number of the latest transaction of InnoDB, and how long the server has been running.
 * MySQL has neither of them, so that the query fails.
 */
const COUNTERS: Readonly<Record<Exclude<Dialect, 'sqlite'>, CounterSql>> = {
  postgresql: {
    reading: `pg_catalog.txid_current_snapshot()::text AS "counter",
      EXTRACT(epoch FROM pg_catalog.pg_postmaster_start_time())::text || pg_catalog.pg_is_in_recovery()::text AS "server"`,
    countsAll: () => `(NOT pg_catalog.pg_is_in_recovery()
      AND pg_catalog.version() LIKE 'PostgreSQL %' AND pg_catalog.version() NOT LIKE '%-YB-%'
      AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class WHERE relkind IN ('r', 'm') AND relam NOT IN (0, 2))
      AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'citus'))::text AS "all"`,
  },
  mysql: {
    reading: `(SELECT GROUP_CONCAT(VARIABLE_VALUE ORDER BY VARIABLE_NAME SEPARATOR ' ')
      FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN ('INNODB_MAX_TRX_ID', 'UPTIME')) AS \`counter\`,
      CONCAT_WS(' ', @@hostname, @@port, @@server_id, @@datadir) AS \`server\``,
    countsAll: (databases) => `CASE WHEN @@autocommit = 1 AND @@global.autocommit = 1 AND NOT EXISTS (
      SELECT 1 FROM information_schema.TABLES
      WHERE TABLE_TYPE = 'BASE TABLE' AND COALESCE(ENGINE, '') <> 'InnoDB' AND ${inDatabases('TABLE_SCHEMA', databases)}
    ) THEN 'true' ELSE 'false' END AS \`all\``,
  },
}

/** The columns that a SELECT must contain for {@link counterIn}. */
export function counterColumns(dialect: Exclude<Dialect, 'sqlite'>): string {
  return COUNTERS[dialect].reading
}

/**
 * Reads the counter.
 *
 * @returns `undefined` if it cannot be compared with other readings.
 * @throws The database's own error.
 */
export async function readCounter(connection: Connection): Promise<CounterReading | undefined> {
  const { dialect } = connection
  if (dialect === 'sqlite') return readDataVersion(connection)
  const [row = {}] = await connection.query(`SELECT ${counterColumns(dialect)}`)
  return counterIn(row, dialect)
}

/**
 * Reads the counter for the first time.
 *
 * @param databases - MySQL: databases in addition to that of the connection.
 * @returns `undefined` if writes to a table of these databases may not raise it.
 * @throws The database's own error: without a counter, the query fails.
 */
export async function readFirstCounter(
  connection: Connection,
  databases: readonly string[],
): Promise<CounterReading | undefined> {
  const { dialect } = connection
  if (dialect === 'sqlite') return readDataVersion(connection)
  const { reading, countsAll } = COUNTERS[dialect]
  const [row = {}] = await connection.query(`SELECT ${reading}, ${countsAll(databases)}`)
  return optionalTextOf(row, 'all') === 'true' ? counterIn(row, dialect) : undefined
}

/** The numbers of SQLite's connections: the app may use this field, too. */
const numbered = new Set<number>()

/**
 * SQLite: `data_version` of a connection changes when any other connection commits. Values of different
 * connections cannot be compared, so each connection gets a number, in a field of its temporary database that
 * SQLite does not use.
 */
async function readDataVersion(connection: Connection): Promise<CounterReading | undefined> {
  return connection.session === undefined ? readOn(connection) : connection.session(readOn)
}

async function readOn(session: Connection): Promise<CounterReading | undefined> {
  let number = await numberOf(session)
  if (number === 0) {
    const next = 1 + Math.floor(Math.random() * (2 ** 31 - 1))
    await session.query(`PRAGMA temp.user_version = ${next}`)
    numbered.add(next)
    number = await numberOf(session)
  }
  if (!numbered.has(number)) return undefined
  const [row = {}] = await session.query(`SELECT CAST(data_version AS TEXT) AS "counter",
    (SELECT CAST(COUNT(*) AS TEXT) FROM pragma_database_list WHERE name NOT IN ('main', 'temp')) AS "attached"
    FROM pragma_data_version`)
  const counter = optionalTextOf(row, 'counter')
  // It does not count the writes to attached databases.
  if (counter === undefined || optionalTextOf(row, 'attached') !== '0') return undefined
  return { value: BigInt(counter), isSettled: true, server: String(number), uptime: 0 }
}

async function numberOf(session: Connection): Promise<number> {
  const [row = {}] = await session.query('PRAGMA temp.user_version')
  return Number(row.user_version ?? 0)
}

/** The reading in a row with the columns of {@link counterColumns}; `undefined` if the row contains none. */
export function counterIn(row: Row, dialect: Exclude<Dialect, 'sqlite'>): CounterReading | undefined {
  const [counter, server] = [optionalTextOf(row, 'counter'), optionalTextOf(row, 'server')]
  if (counter === undefined || server === undefined) return undefined
  return dialect === 'mysql' ? ofMariadb(counter, server) : ofPostgresql(counter, server)
}

/** `xmin:xmax:list`: the list contains transactions in progress below `xmax`. */
function ofPostgresql(snapshot: string, server: string): CounterReading | undefined {
  const [, oldest, next, running] = /^(\d+):(\d+):([\d,]*)$/.exec(snapshot) ?? []
  if (oldest === undefined || next === undefined) return undefined
  // A standby does not list them, and may not have received them.
  if (server.endsWith('true')) return undefined
  return { value: BigInt(next), isSettled: oldest === next && running === '', server, uptime: 0 }
}

function ofMariadb(values: string, server: string): CounterReading | undefined {
  const [, next, seconds] = /^(\d+) (\d+)$/.exec(values) ?? []
  if (next === undefined || seconds === undefined) return undefined
  return { value: BigInt(next), isSettled: true, server, uptime: Number(seconds) }
}
