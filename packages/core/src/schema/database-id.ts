import { readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Dialect } from '../sql/dialect.ts'
import type { Connection } from './connection.ts'
import { optionalTextOf, type Row } from './readers/row-values.ts'

/** Settings of a PostgreSQL session that change results, or the tables to which names refer. */
const POSTGRES_SETTINGS = `'TimeZone', 'DateStyle', 'IntervalStyle', 'extra_float_digits', 'bytea_output', 'search_path', 'lc_messages',
  'lc_monetary', 'lc_numeric', 'lc_time', 'client_encoding', 'role', 'row_security', 'default_text_search_config', 'xmlbinary',
  'standard_conforming_strings', 'backslash_quote', 'transform_null_equals', 'array_nulls', 'quote_all_identifiers'`

/**
 * The server with the database, and the role and settings of a session, in one column `id`. The queries are
 * tried sequentially, because not every server and user can run each of them. Copies of a server share its
 * identifier: its address and timeline distinguish them.
 */
const QUERIES: Readonly<Record<Dialect, readonly string[]>> = {
  postgresql: [
    `SELECT pg_catalog.concat_ws(' ', s.system_identifier, c.timeline_id, d.oid, pg_catalog.inet_server_addr(), pg_catalog.inet_server_port(),
       session_user, current_user, (SELECT pg_catalog.string_agg(t.name || '=' || t.setting, ' ' ORDER BY t.name)
         FROM pg_catalog.pg_settings t WHERE t.name IN (${POSTGRES_SETTINGS}))) AS "id"
     FROM pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c, pg_catalog.pg_database d
     WHERE d.datname = pg_catalog.current_database()`,
  ],
  mysql: ['@@server_uuid', '@@server_uid'].map(
    (
      server,
    ) => `SELECT CONCAT_WS(' ', ${server}, @@hostname, @@port, @@datadir, @@server_id, DATABASE(), CURRENT_USER(), CURRENT_ROLE(),
       @@time_zone, @@system_time_zone, @@sql_mode, @@character_set_results, @@collation_connection, @@lc_time_names) AS id`,
  ),
  sqlite: [`SELECT file AS id FROM pragma_database_list WHERE name = 'main'`],
}

/**
 * The same for all processes that use one database as one role, with session and process settings that
 * produce the same results; different for all others. `undefined` if it cannot be determined: a database in
 * memory has none.
 */
export async function readDatabaseId(connection: Connection): Promise<string | undefined> {
  for (const query of QUERIES[connection.dialect]) {
    const id = await idOf(connection, query)
    if (id === undefined || id === '') continue
    const database = connection.dialect === 'sqlite' ? fileId(id) : id
    return (
      database &&
      `${database} ${Intl.DateTimeFormat().resolvedOptions().timeZone} ${process.versions.tz ?? ''}`
    )
  }
  return undefined
}

/**
 * A path identifies the same file only on the same machine, and only until another file replaces it;
 * containers can share host names and paths. Reads synchronously: a loop of queries on a synchronous driver
 * can block the event loop.
 */
function fileId(file: string): string | undefined {
  try {
    const { dev, ino, birthtimeNs } = statSync(file, { bigint: true })
    return `${hostname()} ${bootId()} ${file} ${dev} ${ino} ${birthtimeNs}`
  } catch {
    return undefined
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

async function idOf(connection: Connection, query: string): Promise<string | undefined> {
  try {
    const [row] = await connection.query(query)
    return row === undefined ? undefined : optionalTextOf(row as Row, 'id')
  } catch {
    return undefined
  }
}
