import { hostname } from 'node:os'
import type { Dialect } from '../sql/dialect.ts'
import type { Connection } from './connection.ts'
import { optionalTextOf, type Row } from './readers/row-values.ts'

/** What tells a database from all others, in one column `id`; each is tried in turn, since not every server and user may ask each. */
const QUERIES: Readonly<Record<Dialect, readonly string[]>> = {
  postgresql: [
    `SELECT s.system_identifier::text || ' ' || d.oid::text AS "id"
     FROM pg_catalog.pg_control_system() s, pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()`,
  ],
  mysql: ['SELECT CONCAT(@@server_uuid, " ", DATABASE()) AS id', 'SELECT CONCAT(@@server_uid, " ", DATABASE()) AS id'],
  sqlite: [`SELECT file AS id FROM pragma_database_list WHERE name = 'main'`],
}

/**
 * What a database is called by all processes that use it, and no other database is; `undefined` where that cannot be found out.
 * A database in memory has none; one in a file is that of its machine.
 */
export async function readDatabaseId(connection: Connection): Promise<string | undefined> {
  for (const query of QUERIES[connection.dialect]) {
    const id = await ask(connection, query)
    if (id !== undefined && id !== '') return connection.dialect === 'sqlite' ? `${hostname()} ${id}` : id
  }
  return undefined
}

async function ask(connection: Connection, query: string): Promise<string | undefined> {
  try {
    const [row] = await connection.query(query)
    return row === undefined ? undefined : optionalTextOf(row as Row, 'id')
  } catch {
    return undefined
  }
}
