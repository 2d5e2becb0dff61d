import { JobBackendError } from '../../job-errors.ts'
import type { TaskFailure, TaskStatus } from '../../task.ts'
import type { TaskClaim, TaskRecord, TaskSettings } from '../job-backend.ts'
import type { SqliteDatabase } from './sqlite-database.ts'

/** Stored values of the status. Values below `COMPLETED` are unfinished. */
export const QUEUED = 0
export const PROCESSING = 1
export const PENDING = 2
export const RETRY = 3
export const COMPLETED = 4
export const FAILED = 5
export const CANCELLED = 6
export const DEAD = 7

export const statuses: readonly TaskStatus[] = [
  'queued',
  'processing',
  'pending',
  'retry',
  'completed',
  'failed',
  'cancelled',
  'dead',
]

/** Rows have the fields of a claim or a record, except for these. */
type Row<TTask> = Omit<TTask, 'queue' | 'settings'> & { readonly seq: number; readonly settings: string }
export type ClaimRow = Row<TaskClaim>
export type RecordRow = Omit<Row<TaskRecord>, 'status' | 'failures'> & {
  readonly queue: string
  readonly state: number
  readonly failures: string | null
}

const COLUMNS =
  'seq, id, level, ord AS "order", created_at AS createdAt, attempts, crashes, unique_key AS uniqueKey, batch AS batchId, chunk, items, settings, data'
export const CLAIM_COLUMNS: string = `${COLUMNS}, token`
export const RECORD_COLUMNS: string = `${COLUMNS}, (SELECT name FROM sluice_queues q WHERE q.id = queue) AS queue, state, run_at AS runAt, started_at AS startedAt, finished_at AS finishedAt, failures`

const MAX_KNOWN = 500
const texts = new WeakMap<TaskSettings, string>()
const known = new Map<string, TaskSettings>()

/** Settings as they are stored: most tasks share one object. */
export function settingsText(settings: TaskSettings): string {
  let text = texts.get(settings)
  if (text === undefined) {
    text = JSON.stringify(settings)
    texts.set(settings, text)
  }
  return text
}

export function claimOf({ seq: _, settings, ...row }: ClaimRow, queue: string): TaskClaim {
  return { ...row, queue, settings: settingsOf(settings) }
}

export function recordOf({ seq: _, settings, state, failures, ...row }: RecordRow): TaskRecord {
  return {
    ...row,
    settings: settingsOf(settings),
    status: statuses[state] ?? 'failed',
    failures: failuresOf(failures),
  }
}

export function failuresOf(text: string | null): readonly TaskFailure[] {
  return text === null ? [] : (JSON.parse(text) as readonly TaskFailure[])
}

function settingsOf(text: string): TaskSettings {
  let settings = known.get(text)
  if (settings === undefined) {
    if (known.size >= MAX_KNOWN) known.clear()
    settings = JSON.parse(text) as TaskSettings
    known.set(text, settings)
  }
  return settings
}

/**
 * Migrations from each version to the next. Never change a published one.
 *
 * Delayed tasks have separate states, outside the index for claims: 100,000 of them would make each claim
 * slow. Triggers maintain the counts: counting a million tasks takes 100 ms.
 */
const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE sluice_queues (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  is_paused INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE sluice_tallies (
  queue INTEGER NOT NULL,
  state INTEGER NOT NULL,
  tasks INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (queue, state)
) WITHOUT ROWID;
CREATE TABLE sluice_tasks (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  queue INTEGER NOT NULL,
  level INTEGER NOT NULL,
  ord NUMERIC NOT NULL,
  state INTEGER NOT NULL,
  run_at NUMERIC NOT NULL,
  created_at NUMERIC NOT NULL,
  started_at NUMERIC,
  finished_at NUMERIC,
  lease_until NUMERIC,
  owner TEXT,
  token INTEGER NOT NULL DEFAULT 0,
  is_cancelled INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  crashes INTEGER NOT NULL DEFAULT 0,
  unique_key TEXT,
  batch TEXT,
  chunk INTEGER NOT NULL,
  items INTEGER NOT NULL,
  settings TEXT NOT NULL,
  failures TEXT,
  data TEXT NOT NULL
);
CREATE UNIQUE INDEX sluice_tasks_id ON sluice_tasks (id);
CREATE INDEX sluice_tasks_ready ON sluice_tasks (queue, ord, seq) WHERE state = ${QUEUED};
CREATE INDEX sluice_tasks_age ON sluice_tasks (queue, created_at) WHERE state = ${QUEUED};
CREATE INDEX sluice_tasks_later ON sluice_tasks (queue, run_at) WHERE state IN (${PENDING}, ${RETRY});
CREATE INDEX sluice_tasks_lease ON sluice_tasks (lease_until) WHERE state = ${PROCESSING};
CREATE INDEX sluice_tasks_told ON sluice_tasks (owner) WHERE state = ${PROCESSING} AND is_cancelled = 1;
CREATE INDEX sluice_tasks_batch ON sluice_tasks (batch) WHERE batch IS NOT NULL;
CREATE INDEX sluice_tasks_dead ON sluice_tasks (seq, queue) WHERE state = ${DEAD};
CREATE INDEX sluice_tasks_dead_age ON sluice_tasks (finished_at) WHERE state = ${DEAD};
CREATE UNIQUE INDEX sluice_tasks_unique ON sluice_tasks (queue, unique_key) WHERE unique_key IS NOT NULL AND state < ${COMPLETED};
CREATE TRIGGER sluice_tasks_added AFTER INSERT ON sluice_tasks BEGIN
  UPDATE sluice_tallies SET tasks = tasks + 1 WHERE queue = NEW.queue AND state = NEW.state;
END;
CREATE TRIGGER sluice_tasks_changed AFTER UPDATE OF state ON sluice_tasks BEGIN
  UPDATE sluice_tallies SET tasks = tasks - 1, bytes = bytes - ${deadBytes('OLD')} WHERE queue = OLD.queue AND state = OLD.state;
  UPDATE sluice_tallies SET tasks = tasks + 1, bytes = bytes + ${deadBytes('NEW')} WHERE queue = NEW.queue AND state = NEW.state;
END;
CREATE TRIGGER sluice_tasks_removed AFTER DELETE ON sluice_tasks BEGIN
  UPDATE sluice_tallies SET tasks = tasks - 1, bytes = bytes - ${deadBytes('OLD')} WHERE queue = OLD.queue AND state = OLD.state;
END;
CREATE TABLE sluice_batches (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  batch_size INTEGER NOT NULL,
  created_at NUMERIC NOT NULL,
  max_failed_items INTEGER NOT NULL,
  stops_on_failure INTEGER NOT NULL,
  webhook TEXT,
  total_items INTEGER,
  chunks INTEGER,
  chunks_done INTEGER NOT NULL DEFAULT 0,
  processed_items INTEGER NOT NULL DEFAULT 0,
  failed_items INTEGER NOT NULL DEFAULT 0,
  is_cancelled INTEGER NOT NULL DEFAULT 0,
  ended_at NUMERIC,
  is_notified INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX sluice_batches_ended ON sluice_batches (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sluice_batches_untold ON sluice_batches (ended_at) WHERE ended_at IS NOT NULL AND is_notified = 0 AND webhook IS NOT NULL;
CREATE TABLE sluice_slots (
  key TEXT PRIMARY KEY,
  expires_at NUMERIC NOT NULL
) WITHOUT ROWID;
`,
]

/**
 * Creates the tables, or migrates them to the current version. Runs in a transaction.
 *
 * @throws JobBackendError for tables of a newer version.
 */
export function migrate(database: SqliteDatabase): void {
  // Not `user_version`: the file may be the app's, and that number its own.
  database.exec('CREATE TABLE IF NOT EXISTS sluice_jobs (version INTEGER NOT NULL)')
  const row = database.prepare('SELECT version FROM sluice_jobs').get() as
    | { readonly version: number | bigint }
    | undefined
  const version = Number(row?.version ?? 0)
  if (version > MIGRATIONS.length)
    throw new JobBackendError(
      `The SQLite file "${database.name}" was created by a newer release of Sluice: its version is ${version}. Expected at most ${MIGRATIONS.length}. Update Sluice.`,
    )
  if (version === MIGRATIONS.length) return
  for (const step of MIGRATIONS.slice(version)) database.exec(step)
  database.exec(row === undefined ? 'INSERT INTO sluice_jobs VALUES (0)' : '')
  database.prepare('UPDATE sluice_jobs SET version = ?').run(MIGRATIONS.length)
}

function deadBytes(row: 'OLD' | 'NEW'): string {
  return `iif(${row}.state = ${DEAD}, length(CAST(${row}.data AS BLOB)), 0)`
}
