import { JobBackendError } from '../../job-errors.ts'
import { inReadCommitted, isAnswer, type PooledQueries, sqlStateOf } from './pooled-queries.ts'
import { postgresJobsSql, TABLES_VERSION } from './postgres-jobs-sql.ts'

/** The tables are not there, and the user of the pool may not make them, or not use them. */
export class PostgresJobsSetUpError extends JobBackendError {
  constructor(
    schema: string,
    /** What makes them: to be run by a user who may, for example as a migration. */
    readonly sql: string,
    options: ErrorOptions,
  ) {
    const reason = options.cause instanceof Error ? options.cause.message : String(options.cause)
    super(
      `The tables of jobs cannot be made or used in the schema "${schema}": ${reason}. Run this SQL as a user who may, for example as a migration (postgresJobsSql() gives it, with \`grantTo\` for the app's user):\n${sql}`,
      options,
    )
  }
}

const UNDEFINED_TABLE = '42P01'
const INVALID_SCHEMA = '3F000'
const INSUFFICIENT_PRIVILEGE = '42501'
const READ_ONLY = '25006'

/**
 * Makes the tables where they are missing or of an earlier version.
 *
 * @throws PostgresJobsSetUpError where the user may not; JobBackendError.
 */
export async function setUpTables(queries: PooledQueries, schema: string, versionSql: string): Promise<void> {
  const sql = postgresJobsSql({ schema })
  try {
    const known = await versionOf(queries, versionSql)
    if (known !== undefined && known.version >= TABLES_VERSION) checkReadable(known, schema)
    else {
      await checkSchema(queries, schema)
      await queries.with((client) => inReadCommitted(client, () => client.query({ text: sql })), MIGRATION_MS)
    }
  } catch (error) {
    const state = sqlStateOf(error)
    if (state === INSUFFICIENT_PRIVILEGE || state === READ_ONLY)
      throw new PostgresJobsSetUpError(schema, sql, { cause: (error as JobBackendError).cause })
    throw error
  }
}

/** Other processes may be at it. */
const MIGRATION_MS = 60_000

interface KnownVersion {
  readonly version: number
  /** The earliest version of Sluice's tables whose code can use these. */
  readonly oldest: number
}

async function versionOf(queries: PooledQueries, versionSql: string): Promise<KnownVersion | undefined> {
  try {
    const [row] = await queries.run(versionSql)
    return row && { version: Number(row.version), oldest: Number(row.oldest) }
  } catch (error) {
    const state = sqlStateOf(error)
    if (isAnswer((error as JobBackendError).cause) && (state === UNDEFINED_TABLE || state === INVALID_SCHEMA)) return undefined
    throw error
  }
}

/** PostgreSQL looks for tables in the schema that is called as the user first, and makes new ones there: to make it would change what the app's names mean. */
async function checkSchema(queries: PooledQueries, schema: string): Promise<void> {
  const rows = await queries.run(
    `SELECT 'own' AS schema WHERE current_user = $1 AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)`,
    [schema],
  )
  if (rows.length > 0)
    throw new JobBackendError(
      `The database's user is called "${schema}", too: a schema of that name would be where its tables are looked for first. Give another \`schema\`.`,
    )
}

function checkReadable({ version, oldest }: KnownVersion, schema: string): void {
  if (oldest > TABLES_VERSION)
    throw new JobBackendError(
      `The tables of jobs in the schema "${schema}" are of version ${version}, which a release of Sluice from version ${oldest} on can use; this one has ${TABLES_VERSION}.`,
    )
}
