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

/** Maximum number of attempts to read a catalog whose database changes meanwhile. */
const MAX_READS = 3

/** The schema changes faster than it can be read. A later attempt can succeed. */
export class SchemaChangingError extends SluiceError {
  constructor() {
    super(
      'SLUICE_INVALID_CATALOG',
      `The schema of the database changed during each of ${MAX_READS} reads. Try again when no migration is running.`,
    )
  }
}

const readers: Readonly<Record<Dialect, (connection: Connection) => Promise<CatalogData>>> = {
  sqlite: readSqlite,
  postgresql: readPostgresql,
  mysql: readMysql,
}

/**
 * Reads the tables, keys and triggers of a database, in at most 13 statements. It omits objects that the
 * connection's user cannot see; a table whose triggers the user cannot see counts as having triggers. Equal
 * fingerprints before and after prove that the statements read one state.
 *
 * @param known - A catalog that was read before, with the same settings. If the schema has not changed, it is
 * returned after one statement.
 * @throws The database's own error, if a statement fails.
 * @throws SluiceError `SLUICE_INVALID_CATALOG`, if a driver returns unexpected rows, or the schema keeps
 * changing.
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
