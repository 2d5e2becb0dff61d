import { checkPostgresJobsSqlOptions, DEFAULT_SCHEMA, type PostgresJobsSqlOptions } from './postgres-options.ts'
import { identifier, literal, OPEN, tableNames } from './sql/records.ts'
import { stepFunctionSql, stepSignature } from './sql/step-function.ts'

/** The state of the tables. Each change to them adds one, and a step that may be run again. */
export const TABLES_VERSION = 1

/**
 * SQL for PostgreSQL 12 and later that makes the tables of `postgresJobBackend`, for a migration. The backend does it by itself where its user may. It may be run
 * again: what is there stays as it is.
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
