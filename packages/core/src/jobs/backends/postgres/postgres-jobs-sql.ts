import { errorMessage } from '../../../shared/error-message.ts'
import { JobBackendError } from '../../job-errors.ts'
import { inReadCommitted, isAnswer, type PooledQueries, sqlStateOf } from './pooled-queries.ts'
import {
  checkPostgresJobsSqlOptions,
  DEFAULT_SCHEMA,
  type PostgresJobsSqlOptions,
} from './postgres-options.ts'
import { identifier, literal, OPEN, tableNames } from './sql/records.ts'
import { stepFunctionSql, stepSignature } from './sql/step-function.ts'

/**
 * The tables do not exist and the user of the pool cannot create them, or the user has no permission to use
 * them.
 */
export class PostgresJobsSetUpError extends JobBackendError {
  constructor(
    schema: string,
    /** Creates the tables. Run by a user with the permissions, for example as a migration. */
    readonly sql: string,
    options: ErrorOptions,
  ) {
    const reason = errorMessage(options.cause)
    super(
      `The job tables in the schema "${schema}" cannot be created or used: ${reason}. Run this SQL as a user with the permissions, for example as a migration (postgresJobsSql() returns it, with \`grantTo\` for the app's user):\n${sql}`,
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
    if (isAnswer((error as JobBackendError).cause) && (state === UNDEFINED_TABLE || state === INVALID_SCHEMA))
      return undefined
    throw error
  }
}

/**
 * PostgreSQL searches the schema with the user's name first, and creates new tables in it. Creating this
 * schema would change the meaning of the app's table names.
 */
async function checkSchema(queries: PooledQueries, schema: string): Promise<void> {
  const rows = await queries.run(
    `SELECT 'own' AS schema WHERE current_user = $1 AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)`,
    [schema],
  )
  if (rows.length > 0)
    throw new JobBackendError(
      `The schema "${schema}" has the name of the database user, so PostgreSQL would search it first for the app's tables. Set a different \`schema\`.`,
    )
}

function checkReadable({ version, oldest }: KnownVersion, schema: string): void {
  if (oldest > TABLES_VERSION)
    throw new JobBackendError(
      `The job tables in the schema "${schema}" were created by a newer release of Sluice: their version is ${version}, which requires at least ${oldest}. This release supports ${TABLES_VERSION}. Update Sluice.`,
    )
}

/** The state of the tables. Each change to them adds one, and a step that may be run again. */
const TABLES_VERSION = 1

/**
 * SQL for PostgreSQL 12 and later that creates the tables of `postgresJobBackend`, for a migration. The
 * backend creates them automatically if its user has the permissions. The SQL can run repeatedly: existing
 * tables are not changed.
 *
 * @throws InvalidOptionError.
 */
export function postgresJobsSql(options: PostgresJobsSqlOptions = {}): string {
  checkPostgresJobsSqlOptions(options)
  const { schema = DEFAULT_SCHEMA, grantTo } = options
  const names = tableNames(schema)
  const { tasks, batches, queues, slots, version } = names
  const create = literal(`CREATE SCHEMA ${identifier(schema)}`)
  const grants =
    grantTo === undefined
      ? ''
      : `
GRANT USAGE ON SCHEMA ${identifier(schema)} TO ${identifier(grantTo)};
GRANT SELECT, INSERT, UPDATE, DELETE ON ${[tasks, batches, queues, slots, version].join(', ')} TO ${identifier(grantTo)};
GRANT EXECUTE ON FUNCTION ${stepSignature(schema)} TO ${identifier(grantTo)};
`
  return `DO $sluice$
BEGIN
  -- Only one at a time: processes of an app start together.
  PERFORM pg_advisory_xact_lock(${lockKey(schema)});
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = ${literal(schema)}) THEN
    EXECUTE ${create};
  END IF;
END
$sluice$;

CREATE TABLE IF NOT EXISTS ${tasks} (
  id uuid PRIMARY KEY,
  queue text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  level smallint NOT NULL,
  order_ms double precision NOT NULL,
  run_at timestamptz,
  lease_until timestamptz,
  owner text,
  token integer NOT NULL DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  crashes integer NOT NULL DEFAULT 0,
  is_cancelled boolean NOT NULL DEFAULT false,
  unique_key text COLLATE "C",
  batch_id uuid,
  chunk integer NOT NULL DEFAULT 0,
  items integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  started_at timestamptz,
  finished_at timestamptz,
  settings text NOT NULL,
  failures text[] NOT NULL DEFAULT '{}',
  bytes integer NOT NULL,
  data text NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.1);

CREATE INDEX IF NOT EXISTS job_tasks_ready ON ${tasks} (queue, order_ms, id) INCLUDE (created_at) WHERE status = 'queued';
CREATE INDEX IF NOT EXISTS job_tasks_later ON ${tasks} (queue, run_at) INCLUDE (status) WHERE status IN ('pending', 'retry');
CREATE INDEX IF NOT EXISTS job_tasks_running ON ${tasks} (queue, lease_until) WHERE status = 'processing';
CREATE UNIQUE INDEX IF NOT EXISTS job_tasks_unique ON ${tasks} (queue, unique_key) WHERE unique_key IS NOT NULL AND status IN ${OPEN};
CREATE INDEX IF NOT EXISTS job_tasks_batch ON ${tasks} (batch_id, chunk) WHERE batch_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS job_tasks_dead ON ${tasks} (queue, id) WHERE status = 'dead';
CREATE INDEX IF NOT EXISTS job_tasks_dead_age ON ${tasks} (finished_at, id) INCLUDE (bytes) WHERE status = 'dead';

CREATE TABLE IF NOT EXISTS ${batches} (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  batch_size integer NOT NULL,
  created_at timestamptz NOT NULL,
  max_failed_items bigint NOT NULL,
  stops_on_failure boolean NOT NULL,
  webhook text,
  total_items bigint,
  chunks integer,
  chunks_done integer NOT NULL DEFAULT 0,
  processed_items bigint NOT NULL DEFAULT 0,
  failed_items bigint NOT NULL DEFAULT 0,
  is_cancelled boolean NOT NULL DEFAULT false,
  ended_at timestamptz,
  ended_by text,
  is_notified boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);

CREATE INDEX IF NOT EXISTS job_batches_ended ON ${batches} (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS ${queues} (
  name text COLLATE "C" PRIMARY KEY,
  is_paused boolean NOT NULL
);

CREATE TABLE IF NOT EXISTS ${slots} (
  key text COLLATE "C" PRIMARY KEY,
  expires_at timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS ${version} (
  is_one boolean PRIMARY KEY DEFAULT true CHECK (is_one),
  version integer NOT NULL,
  oldest_reader integer NOT NULL
);

${stepFunctionSql(schema, names)}
INSERT INTO ${version} (version, oldest_reader) VALUES (${TABLES_VERSION}, ${TABLES_VERSION})
ON CONFLICT (is_one) DO UPDATE SET version = EXCLUDED.version, oldest_reader = EXCLUDED.oldest_reader
WHERE ${identifier('job_version')}.version < EXCLUDED.version;
${grants}`
}

function lockKey(schema: string): string {
  return `hashtextextended(${literal(`sluice jobs ${schema}`)}, 0)`
}
