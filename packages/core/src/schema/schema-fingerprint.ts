import type { Dialect } from '../sql/dialect.ts'
import { inDatabases } from './catalog-scope.ts'
import type { Connection } from './connection.ts'
import { FIRST_OF_USERS } from './readers/postgresql-functions.ts'
import { textOf } from './readers/row-values.ts'
import { type CounterReading, counterColumns, counterIn, readCounter } from './write-counter.ts'

/**
 * Each row that a user created in a system catalog has a number, and the number of the transaction that last
 * wrote it. Temporary objects are excluded: they belong to one session.
 */
const IS_TEMPORARY = `IN (SELECT oid FROM pg_catalog.pg_class WHERE relpersistence = 't')`
const IS_TEMPORARY_SCHEMA = `LIKE 'pg\\_%temp\\_%'`

function postgresPart(table: string, where: string, number: string): string {
  return `SELECT '${table}' AS part, pg_catalog.count(*) AS rows, pg_catalog.sum(pg_catalog.hashint8extended((${number})::text::int8, xmin::text::int8)) AS hash
    FROM pg_catalog.${table} WHERE ${where}`
}

function ofUser(table: string, condition = 'true'): string {
  return postgresPart(table, `oid >= ${FIRST_OF_USERS} AND ${condition}`, 'oid')
}

function ofTables(table: string, owner: string, number = 'oid'): string {
  return postgresPart(table, `${owner} >= ${FIRST_OF_USERS} AND ${owner} NOT ${IS_TEMPORARY}`, number)
}

/** Needs PostgreSQL 11. */
const postgresqlQuery = (
  counter: string,
) => `SELECT pg_catalog.string_agg(part || ' ' || rows || ' ' || COALESCE(hash, 0), ' ' ORDER BY part)
    || ' ' || pg_catalog.current_setting('default_transaction_isolation') AS "fingerprint"${counter} FROM (${[
      ofUser('pg_class', `relpersistence <> 't'`),
      ofTables('pg_attribute', 'attrelid', 'attrelid::int8 * 2048 + attnum'),
      ofTables('pg_index', 'indrelid', 'indexrelid'),
      ofTables('pg_inherits', 'inhrelid', 'inhrelid'),
      ofTables('pg_attrdef', 'adrelid'),
      ofTables('pg_trigger', 'tgrelid'),
      ofTables('pg_rewrite', 'ev_class'),
      ofTables('pg_policy', 'polrelid'),
      // Domains also have constraints, which belong to no table.
      ofUser('pg_constraint', `conrelid NOT ${IS_TEMPORARY}`),
      ofUser(
        'pg_type',
        `typnamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname ${IS_TEMPORARY_SCHEMA})`,
      ),
      postgresPart('pg_namespace', `nspname NOT ${IS_TEMPORARY_SCHEMA}`, 'oid'),
      // Settings of the whole server that apply to this user.
      postgresPart(
        'pg_db_role_setting',
        `setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
      AND setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user))`,
        'setrole',
      ),
      ...[
        'pg_proc',
        'pg_operator',
        'pg_amop',
        'pg_amproc',
        'pg_cast',
        'pg_enum',
        'pg_collation',
        'pg_extension',
      ].map((table) => ofUser(table)),
      // The members of extensions.
      postgresPart(
        'pg_depend',
        `refclassid = 'pg_catalog.pg_extension'::regclass AND deptype = 'e'`,
        'classid::int8 * 4294967296 + objid::int8',
      ),
    ].join(' UNION ALL ')}) parts`

function mysqlPart(
  others: readonly string[],
  table: string,
  schema: string,
  columns: readonly string[],
  condition = 'TRUE',
): string {
  const texts = [schema, ...columns].map((column) => `QUOTE(${column})`).join(', ')
  const hash = `CAST(CONV(LEFT(MD5(CONCAT_WS(' ', ${texts})), 16), 16, 10) AS UNSIGNED)`
  return `(SELECT CONCAT(COUNT(*), ' ', BIT_XOR(${hash})) FROM information_schema.${table}
    WHERE ${inDatabases(schema, others)} AND ${condition})`
}

/**
 * Data that the catalog reader reads, and the code of triggers and computed columns. A trigger is in the
 * database of its table, and MariaDB finds triggers by their tables.
 */
const mysqlQuery = (counter: string, others: readonly string[]) =>
  `SELECT CONCAT_WS(' ', ${[
    mysqlPart(
      others,
      'TABLES',
      'TABLE_SCHEMA',
      ['TABLE_NAME', 'TABLE_TYPE', 'ENGINE'],
      `TABLE_TYPE <> 'TEMPORARY'`,
    ),
    mysqlPart(others, 'TRIGGERS', 'EVENT_OBJECT_SCHEMA', [
      'TRIGGER_NAME',
      'EVENT_OBJECT_TABLE',
      'ACTION_STATEMENT',
    ]),
    mysqlPart(others, 'COLUMNS', 'TABLE_SCHEMA', [
      'TABLE_NAME',
      'COLUMN_NAME',
      'ORDINAL_POSITION',
      'COLUMN_TYPE',
      'COLLATION_NAME',
      'IS_NULLABLE',
      'EXTRA',
      'COLUMN_DEFAULT',
      'GENERATION_EXPRESSION',
    ]),
    mysqlPart(others, 'VIEWS', 'TABLE_SCHEMA', ['TABLE_NAME', 'VIEW_DEFINITION']),
    mysqlPart(others, 'STATISTICS', 'TABLE_SCHEMA', [
      'TABLE_NAME',
      'INDEX_NAME',
      'SEQ_IN_INDEX',
      'COLUMN_NAME',
      'NON_UNIQUE',
    ]),
    mysqlPart(others, 'REFERENTIAL_CONSTRAINTS', 'CONSTRAINT_SCHEMA', [
      'TABLE_NAME',
      'CONSTRAINT_NAME',
      'DELETE_RULE',
      'UPDATE_RULE',
    ]),
    mysqlPart(
      others,
      'KEY_COLUMN_USAGE',
      'TABLE_SCHEMA',
      [
        'TABLE_NAME',
        'CONSTRAINT_NAME',
        'COLUMN_NAME',
        'ORDINAL_POSITION',
        'REFERENCED_TABLE_SCHEMA',
        'REFERENCED_TABLE_NAME',
        'REFERENCED_COLUMN_NAME',
      ],
      'REFERENCED_TABLE_NAME IS NOT NULL',
    ),
  ].join(', ')}) AS \`fingerprint\`${counter}`

const QUERIES: Readonly<Record<Dialect, (counter: string, others: readonly string[]) => string>> = {
  postgresql: postgresqlQuery,
  mysql: mysqlQuery,
  sqlite: () => `SELECT CAST(schema_version AS TEXT) AS "fingerprint" FROM pragma_schema_version`,
}

/**
 * A string that changes with the schema of a database, from one statement that costs a fraction of reading
 * the catalog. Writes of rows, and maintenance such as ANALYZE and VACUUM, do not change it.
 *
 * @param others - MySQL: databases in addition to that of the connection.
 * @throws The database's own error; SluiceError `SLUICE_INVALID_CATALOG`, if a driver does not return a
 * string.
 */
export async function readFingerprint(
  connection: Connection,
  others: readonly string[] = [],
): Promise<string> {
  const [row = {}] = await connection.query(QUERIES[connection.dialect]('', others))
  return textOf(row, 'fingerprint')
}

/**
 * As {@link readFingerprint}, and the server's counter of transactions, in the same statement. Only for
 * servers that have one. SQLite takes several statements.
 */
export async function readFingerprintAndCounter(
  connection: Connection,
  others: readonly string[] = [],
): Promise<{ readonly fingerprint: string; readonly counter: CounterReading | undefined }> {
  const { dialect } = connection
  if (dialect === 'sqlite')
    return { fingerprint: await readFingerprint(connection), counter: await readCounter(connection) }
  const [row = {}] = await connection.query(QUERIES[dialect](`, ${counterColumns(dialect)}`, others))
  return { fingerprint: textOf(row, 'fingerprint'), counter: counterIn(row, dialect) }
}
