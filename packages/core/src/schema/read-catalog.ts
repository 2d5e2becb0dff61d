import type { Dialect } from '../sql/dialect.ts'
import { SchemaCatalog } from './catalog.ts'
import type { CatalogData } from './catalog-data.ts'
import type { Connection } from './connection.ts'
import { readDatabaseId } from './database-id.ts'
import { readMysql } from './readers/mysql.ts'
import { readPostgresql } from './readers/postgresql.ts'
import { readSqlite } from './readers/sqlite.ts'

const readers: Readonly<Record<Dialect, (connection: Connection) => Promise<CatalogData>>> = {
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
  const read = readers[dialect]
  const data = await (dialect === 'postgresql' ? inSnapshot(connection, read) : read(connection))
  const databaseId = await readDatabaseId(connection)
  return new SchemaCatalog(databaseId === undefined ? data : { ...data, databaseId })
}
