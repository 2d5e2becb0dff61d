import { hostname } from 'node:os'
import type { Dialect } from '../sql/dialect.ts'
import { SchemaCatalog } from './catalog.ts'
import type { CatalogData } from './catalog-data.ts'
import type { Connection } from './connection.ts'
import { readMysql } from './readers/mysql.ts'
import { readPostgresql } from './readers/postgresql.ts'
import { optionalTextOf, type Row } from './readers/row-values.ts'
import { readSqlite } from './readers/sqlite.ts'

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
async function readDatabaseId(connection: Connection): Promise<string | undefined> {
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

const readers: Record<Dialect, (connection: Connection) => Promise<CatalogData>> = {
  sqlite: readSqlite,
  postgresql: readPostgresql,
  mysql: readMysql,
}

/** Runs several queries on one state of the database, where they share a session. */
function inSnapshot<T>(connection: Connection, read: (connection: Connection) => Promise<T>): Promise<T> {
  return connection.session === undefined
    ? read(connection)
    : connection.session(async (session) => {
        await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
        try {
          return await read(session)
        } finally {
          await session.query('ROLLBACK')
        }
      })
}

/**
 * Reads the tables, keys and triggers of a database, in eleven statements at most. What the connection's user may not see is not in it;
 * a table whose triggers the user may not see counts as one that has some.
 *
 * @throws The database's own error, when a statement fails.
 * @throws SluiceError `SLUICE_INVALID_CATALOG`, when a driver returns rows that are not as asked.
 */
export async function readCatalog(connection: Connection): Promise<SchemaCatalog> {
  const { dialect } = connection
  const data = await (dialect === 'postgresql' ? inSnapshot(connection, readPostgresql) : readers[dialect](connection))
  const databaseId = await readDatabaseId(connection)
  return new SchemaCatalog(databaseId === undefined ? data : { ...data, databaseId })
}
