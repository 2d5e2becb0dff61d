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

// The readers are named within functions, so that they are loaded when the first catalog is read.
const readers: Readonly<
  Record<Dialect, (connection: Connection, others: readonly string[]) => Promise<CatalogData>>
> = {
  sqlite: (connection) => readSqlite(connection),
  postgresql: (connection) => readPostgresql(connection),
  mysql: (connection, others) => readMysql(connection, others),
}

/**
 * Reads the tables, keys and triggers of a database, in at most 13 statements. It omits objects that the
 * connection's user cannot see; a table whose triggers the user cannot see counts as having triggers. Equal
 * fingerprints before and after prove that the statements read one state.
 *
 * On MySQL, it also reads the other databases of the server to which foreign keys and views refer, if there
 * are any, with up to 5 more statements each time.
 *
 * @param known - A catalog that was read before, with the same settings. If the schema has not changed, it is
 * returned after one statement.
 * @param named - MySQL: more databases to describe, because statements name them.
 * @throws The database's own error, if a statement fails.
 * @throws SluiceError `SLUICE_INVALID_CATALOG`, if a driver returns unexpected rows, or the schema keeps
 * changing.
 */
export async function readCatalog(
  connection: Connection,
  known?: SchemaCatalog,
  named: readonly string[] = [],
): Promise<SchemaCatalog> {
  let others: readonly string[] = [...new Set([...(known?.databases ?? []), ...named])]
  let fingerprint = await readFingerprint(connection, others)
  if (known?.fingerprint === fingerprint && named.every((database) => known.describes(database))) return known
  for (let reads = 0; reads < MAX_READS; ) {
    const data = await readers[connection.dialect](connection, others)
    const { databases = [], defaultSchema } = data
    const described = new Set([defaultSchema, ...others])
    if (databases.some((database) => !described.has(database))) {
      others = databases
      fingerprint = await readFingerprint(connection, others)
      continue
    }
    reads += 1
    const databaseId = await readDatabaseId(connection)
    const before = fingerprint
    fingerprint = await readFingerprint(connection, others)
    if (fingerprint !== before) continue
    return new SchemaCatalog({ ...data, ...(databaseId !== undefined && { databaseId }), fingerprint })
  }
  throw new SchemaChangingError()
}
