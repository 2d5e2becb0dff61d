import { SluiceError } from '../shared/errors.ts'
import type { Dialect } from '../sql/dialect.ts'
import { SchemaCatalog } from './catalog.ts'
import type { CatalogData } from './catalog-data.ts'
import type { Connection } from './connection.ts'
import { readDatabaseId } from './database-id.ts'
import { readMysql } from './readers/mysql.ts'
import { readPostgresql } from './readers/postgresql.ts'
import { readSqlite } from './readers/sqlite.ts'
import { readFingerprint } from './schema-fingerprint.ts'

/** How often a catalog is read whose database changes meanwhile. */
const MAX_READS = 3

/** The schema changes faster than it can be read. A later attempt may succeed. */
export class SchemaChangingError extends SluiceError {
  constructor() {
    super('SLUICE_INVALID_CATALOG', `The schema of the database changed each of ${MAX_READS} times that it was read.`)
  }
}

const readers: Readonly<Record<Dialect, (connection: Connection) => Promise<CatalogData>>> = {
  sqlite: readSqlite,
  postgresql: readPostgresql,
  mysql: readMysql,
}

/**
 * Reads the tables, keys and triggers of a database, in thirteen statements at most. What the connection's user may not see is not in it;
 * a table whose triggers the user may not see counts as one that has some. Equal fingerprints before and after prove that its statements
 * read one state.
 *
 * @param known - A catalog that was read before, with the same settings. It is returned, after one statement, if the schema is as it was.
 * @throws The database's own error, when a statement fails.
 * @throws SluiceError `SLUICE_INVALID_CATALOG`, when a driver returns rows that are not as asked, or the schema changes all the time.
 */
export async function readCatalog(connection: Connection, known?: SchemaCatalog): Promise<SchemaCatalog> {
  let fingerprint = await readFingerprint(connection)
  if (known?.fingerprint === fingerprint) return known
  for (let reads = 0; reads < MAX_READS; reads++) {
    const data = await readers[connection.dialect](connection)
    const databaseId = await readDatabaseId(connection)
    const before = fingerprint
    fingerprint = await readFingerprint(connection)
    if (fingerprint !== before) continue
    return new SchemaCatalog({ ...data, ...(databaseId !== undefined && { databaseId }), fingerprint })
  }
  throw new SchemaChangingError()
}
