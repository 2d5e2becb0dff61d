import { OWN_STATEMENT } from '../../../../shared/own-statement.ts'
import {
  afterMs,
  batchJson,
  channelOf,
  fromMs,
  literal,
  OPEN,
  recordJson,
  type TableNames,
  tableNames,
  toMs,
} from './records.ts'
import { stepSql } from './step-function.ts'

/** All that the backend asks, for the tables of one schema. */
export interface Statements extends Readonly<Record<StatementName, string>> {
  readonly channel: string
}

/** Parts of a batch that one statement cancels: while it does, no part of it can end. */
export const CANCEL_SLICE = 2_000
/** Rows that one statement removes at most. */
const REMOVE_SLICE = 10_000

type StatementName =
  | 'version'
  | 'step'
  | 'add'
  | 'find'
  | 'notify'
  | 'release'
  | 'renew'
  | 'cancel'
  | 'replay'
  | 'purge'
  | 'pause'
  | 'openBatch'
  | 'sealBatch'
  | 'batch'
  | 'cancelBatch'
  | 'batchNotified'
  | 'unnotifiedBatches'
  | 'endedBy'
  | 'get'
  | 'list'
  | 'listBatch'
  | 'counts'
  | 'countsUpTo'
  | 'takeSlot'
  | 'tidySlots'
  | 'tidyBatches'
  | 'tidyDead'

export function statements(schema: string): Statements {
  const names = tableNames(schema)
  const channel = channelOf(schema)
  return {
    channel,
    step: stepSql(schema),
    version: `SELECT version::text AS version, oldest_reader::text AS oldest FROM ${names.version}`,
    ...adding(names, channel),
    ...claimsOf(names, channel),
    ...batchesOf(names, channel),
    ...reading(names),
    ...keeping(names),
  }
}

/** Notifies other processes of a queue. Its result must not be read: some clients do not support its type. */
const notifying = (channel: string, queue: string, from: string): string =>
  `pg_notify(${literal(channel)}, json_build_object('queue', ${queue}, 'from', ${from})::text)`

function adding({ tasks }: TableNames, channel: string): Pick<Statements, 'add' | 'find' | 'notify'> {
  return {
    // Each parameter is used once, in order, because some clients bind by position. `$1`: the tasks; `$2`:
    // the sender; NULL: no notification.
    add: `${OWN_STATEMENT} WITH added AS (
  INSERT INTO ${tasks} (id, queue, status, level, order_ms, run_at, unique_key, batch_id, chunk, items, created_at, settings, data, bytes)
  SELECT id, queue, CASE WHEN delay_ms > 0 THEN 'pending' ELSE 'queued' END, level, order_ms, CASE WHEN delay_ms > 0 THEN ${afterMs('delay_ms')} END,
    unique_key, batch_id, chunk, items, ${fromMs('created_ms')}, settings, data, octet_length(data)
  FROM json_to_recordset($1::json) AS g(id uuid, queue text, level int, order_ms float8, delay_ms float8, created_ms float8, unique_key text,
    batch_id uuid, chunk int, items int, settings text, data text)
  ON CONFLICT DO NOTHING RETURNING id, queue
), notified AS (
  SELECT ${notifying(channel, 'q.queue', 'w.teller')} FROM (SELECT $2::text AS teller) w, (SELECT DISTINCT queue FROM added) q WHERE w.teller IS NOT NULL
)
SELECT json_build_array((SELECT coalesce(json_agg(id), '[]') FROM added), (SELECT count(*) FROM notified))::text AS result`,
    // Finds the existing task with the key of each task that was not added.
    find: `${OWN_STATEMENT} SELECT json_build_array(g.id, coalesce(
  (SELECT t.id FROM ${tasks} t WHERE t.id = g.id),
  (SELECT t.id FROM ${tasks} t WHERE t.queue = g.queue AND t.unique_key = g.unique_key AND t.unique_key IS NOT NULL AND t.status IN ${OPEN})
))::text AS result FROM json_to_recordset($1::json) AS g(id uuid, queue text, unique_key text)`,
    notify: `SELECT count(*) FROM (SELECT ${notifying(channel, 'queue', '$2::text')} FROM unnest($1::text[]) AS queue) AS notified`,
  }
}

function claimsOf(
  { tasks, batches }: TableNames,
  channel: string,
): Pick<Statements, 'release' | 'renew' | 'cancel' | 'replay' | 'purge'> {
  return {
    // Releases claims of a step whose response was lost.
    release: `WITH mine AS MATERIALIZED (
  SELECT id FROM ${tasks} WHERE queue = $1 AND status = 'processing' AND owner = ANY ($2::text[]) ORDER BY id FOR UPDATE
)
UPDATE ${tasks} t SET status = 'queued', owner = NULL, lease_until = NULL FROM mine WHERE t.id = mine.id`,
    renew: `WITH mine AS MATERIALIZED (
  SELECT t.id, t.token, t.is_cancelled FROM unnest($1::uuid[], $2::int[]) AS c(id, token) JOIN ${tasks} t ON t.id = c.id
  WHERE t.status = 'processing' AND t.token = c.token ORDER BY t.id FOR UPDATE OF t
), kept AS (
  UPDATE ${tasks} t SET lease_until = ${afterMs('$3::float8')} FROM mine WHERE t.id = mine.id
)
SELECT id || ' ' || token AS claim, is_cancelled::text AS cancelled FROM mine`,
    // If the worker of a running task is gone, the next worker of the task is notified.
    cancel: `WITH owning AS MATERIALIZED (
  SELECT b.id FROM ${batches} b WHERE b.id = (SELECT batch_id FROM ${tasks} WHERE id = $1) FOR UPDATE OF b
), found AS MATERIALIZED (
  SELECT t.id, t.status = 'processing' AS is_running, o.id AS batch_id FROM ${tasks} t LEFT JOIN owning o ON o.id = t.batch_id
  WHERE t.id = $1 AND t.status IN ${OPEN} FOR UPDATE OF t
), gone AS (
  DELETE FROM ${tasks} t USING found f WHERE t.id = f.id AND NOT f.is_running AND f.batch_id IS NULL
), changed AS (
  UPDATE ${tasks} t SET
    is_cancelled = true,
    status = CASE WHEN f.is_running THEN t.status ELSE 'cancelled' END,
    finished_at = CASE WHEN f.is_running THEN NULL ELSE ${fromMs('$2::float8')} END
  FROM found f WHERE t.id = f.id AND (f.is_running OR f.batch_id IS NOT NULL)
), grown AS (
  UPDATE ${batches} b SET
    chunks_done = b.chunks_done + 1,
    ended_at = CASE WHEN b.ended_at IS NULL AND b.chunks_done + 1 >= b.chunks THEN ${fromMs('$2::float8')} ELSE b.ended_at END
  FROM found f WHERE b.id = f.batch_id AND NOT f.is_running RETURNING b.*
), notified AS (
  SELECT pg_notify(${literal(channel)}, json_build_object('cancel', id)::text) FROM found WHERE is_running
)
SELECT is_running::text AS running, (SELECT count(*) FROM notified) AS notified,
  (SELECT ${batchJson('g')} FROM grown g WHERE g.chunks_done >= g.chunks AND g.chunks_done - 1 < g.chunks) AS batch
FROM found`,
    replay: `WITH owning AS MATERIALIZED (
  SELECT b.id FROM ${batches} b WHERE b.id = (SELECT batch_id FROM ${tasks} WHERE id = $1) FOR UPDATE OF b
), found AS MATERIALIZED (
  SELECT t.id, t.queue, t.items, o.id AS batch_id FROM ${tasks} t LEFT JOIN owning o ON o.id = t.batch_id
  WHERE t.id = $1 AND t.status = 'dead' FOR UPDATE OF t
), changed AS (
  UPDATE ${tasks} t SET status = 'queued', attempts = 0, crashes = 0, is_cancelled = false, run_at = NULL, finished_at = NULL
  FROM found f WHERE t.id = f.id
), grown AS (
  UPDATE ${batches} b SET chunks_done = b.chunks_done - 1, failed_items = b.failed_items - f.items, ended_at = NULL, ended_by = NULL, is_notified = false
  FROM found f WHERE b.id = f.batch_id
), notified AS (
  SELECT ${notifying(channel, 'queue', '$2::text')} FROM found
)
SELECT queue, (SELECT count(*) FROM notified) AS notified FROM found`,
    purge: `WITH found AS MATERIALIZED (
  SELECT id FROM ${tasks} WHERE status = 'dead' AND ($1::text IS NULL OR queue = $1) AND ($2::uuid IS NULL OR id = $2)
    AND ($3::float8 IS NULL OR finished_at < ${fromMs('$3::float8')}) LIMIT ${REMOVE_SLICE} FOR UPDATE SKIP LOCKED
), ${forgetting(tasks, batches)}
SELECT count(*)::text AS removed, (count(*) = ${REMOVE_SLICE})::text AS more FROM found`,
  }
}

/** Deletes `found` dead letters. Those of stored batch jobs remain as parts of the batch job. */
const forgetting = (tasks: string, batches: string): string => `kept AS (
  UPDATE ${tasks} t SET status = 'failed' FROM found f, ${batches} b WHERE t.id = f.id AND b.id = t.batch_id
), gone AS (
  DELETE FROM ${tasks} t USING found f WHERE t.id = f.id AND NOT EXISTS (SELECT FROM ${batches} b WHERE b.id = t.batch_id)
)`

function batchesOf(
  { tasks, batches }: TableNames,
  channel: string,
): Pick<
  Statements,
  'openBatch' | 'sealBatch' | 'batch' | 'cancelBatch' | 'batchNotified' | 'unnotifiedBatches' | 'endedBy'
> {
  const selected = `SELECT ${batchJson('b')} AS batch FROM ${batches} b`
  return {
    openBatch: `INSERT INTO ${batches} (id, name, batch_size, created_at, max_failed_items, stops_on_failure, webhook)
VALUES ($1, $2, $3, ${fromMs('$4::float8')}, $5, $6, $7) ON CONFLICT DO NOTHING`,
    sealBatch: `WITH found AS MATERIALIZED (SELECT id, ended_at FROM ${batches} WHERE id = $1 FOR UPDATE), sealed AS (
  UPDATE ${batches} b SET
    chunks = $2::int,
    total_items = $3::bigint,
    ended_at = CASE WHEN b.ended_at IS NULL AND b.chunks_done >= $2::int THEN ${fromMs('$4::float8')} ELSE b.ended_at END
  FROM found f WHERE b.id = f.id RETURNING b.*, f.ended_at IS NULL AND b.ended_at IS NOT NULL AS is_ended_now
)
SELECT ${batchJson('s')} AS batch FROM sealed s WHERE s.is_ended_now`,
    batch: `${selected} WHERE b.id = $1`,
    cancelBatch: `WITH owning AS MATERIALIZED (
  SELECT b.id FROM ${batches} b WHERE b.id = $1 AND b.ended_at IS NULL FOR UPDATE OF b
), found AS MATERIALIZED (
  SELECT t.id, t.status = 'processing' AS is_running, o.id AS batch_id FROM owning o JOIN ${tasks} t ON t.batch_id = o.id
  WHERE t.chunk >= $3::int AND t.chunk < $3::int + ${CANCEL_SLICE} AND t.status IN ${OPEN} ORDER BY t.id FOR UPDATE OF t
), changed AS (
  UPDATE ${tasks} t SET
    is_cancelled = true,
    status = CASE WHEN f.is_running THEN t.status ELSE 'cancelled' END,
    finished_at = CASE WHEN f.is_running THEN NULL ELSE ${fromMs('$2::float8')} END
  FROM found f WHERE t.id = f.id
), c AS (
  SELECT count(*) FILTER (WHERE NOT is_running) AS chunks FROM found
), grown AS (
  UPDATE ${batches} b SET
    is_cancelled = true,
    chunks_done = b.chunks_done + c.chunks,
    ended_at = CASE WHEN b.chunks_done + c.chunks >= b.chunks THEN ${fromMs('$2::float8')} END
  FROM owning o, c WHERE b.id = o.id RETURNING b.*
), notified AS (
  SELECT pg_notify(${literal(channel)}, json_build_object('cancel', id)::text) FROM found WHERE is_running
)
SELECT ${batchJson('g')} AS batch, (g.ended_at IS NOT NULL)::text AS ended, (SELECT count(*) FROM notified) AS notified,
  (SELECT coalesce(json_agg(id), '[]') FROM found WHERE is_running)::text AS running,
  ((SELECT max(chunk) FROM ${tasks} WHERE batch_id = $1) >= $3::int + ${CANCEL_SLICE})::text AS more
FROM grown g`,
    // The batch job can be open again, and its next end must be reported.
    batchNotified: `UPDATE ${batches} SET is_notified = true WHERE id = $1 AND ended_at IS NOT NULL`,
    unnotifiedBatches: `${selected} WHERE b.ended_at <= ${fromMs('$1::float8')} AND NOT b.is_notified AND b.webhook IS NOT NULL ORDER BY b.ended_at`,
    endedBy: `${selected} WHERE b.ended_at IS NOT NULL AND b.ended_by = ANY ($1::text[])`,
  }
}

function reading({
  tasks,
  queues,
}: TableNames): Pick<Statements, 'get' | 'list' | 'listBatch' | 'counts' | 'countsUpTo'> {
  const selected = (from: string) => `SELECT ${recordJson('t')} AS task, t.data FROM ${from} t`
  // Skipped rows are not converted to JSON.
  const page = (where: string, order: string) =>
    selected(`(SELECT * FROM ${tasks} t WHERE ${where} ORDER BY ${order} OFFSET $3 LIMIT $4)`)
  const filter = `($1::text IS NULL OR t.queue = $1) AND ($2::text IS NULL OR t.status = $2)`
  const of = (status: string, limit: string) => `FROM ${tasks} WHERE queue = $1 AND status ${status}${limit}`
  // Counts use whole indexes; with a limit, their beginning.
  const counts = (
    first: string,
    limit: string,
  ) => `SELECT json_build_array(r.n, ${toMs('r.oldest')}, l.pending, l.retry, (SELECT count(*) FROM (SELECT ${of(`= 'processing'`, limit)}) p),
  (SELECT count(*) FROM (SELECT ${of(`= 'dead'`, limit)}) d), EXISTS (SELECT FROM ${queues} WHERE name = $1 AND is_paused))::text AS counts
FROM (SELECT count(*) AS n, min(created_at) AS oldest FROM (SELECT created_at ${of(`= 'queued'`, first)}) q) r,
  (SELECT count(*) FILTER (WHERE status = 'pending') AS pending, count(*) FILTER (WHERE status = 'retry') AS retry
    FROM (SELECT status ${of(`IN ('pending', 'retry')`, limit)}) w) l`
  return {
    get: `${selected(tasks)} WHERE t.id = $1`,
    list: `${page(filter, 't.id')} ORDER BY t.id`,
    listBatch: `${page(`t.batch_id = $5 AND ${filter}`, 't.chunk, t.id')} ORDER BY t.chunk, t.id`,
    counts: counts('', ''),
    countsUpTo: counts(' ORDER BY order_ms, id LIMIT $2::int', ' LIMIT $2::int'),
  }
}

function keeping({
  tasks,
  batches,
  queues,
  slots,
}: TableNames): Pick<Statements, 'pause' | 'takeSlot' | 'tidySlots' | 'tidyBatches' | 'tidyDead'> {
  return {
    pause: `INSERT INTO ${queues} (name, is_paused) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET is_paused = EXCLUDED.is_paused`,
    takeSlot: `INSERT INTO ${slots} AS s (key, expires_at) VALUES ($1, ${afterMs('$2::float8')})
ON CONFLICT (key) DO UPDATE SET expires_at = EXCLUDED.expires_at WHERE s.expires_at <= now() RETURNING 'taken' AS slot`,
    tidySlots: `DELETE FROM ${slots} WHERE expires_at <= now()`,
    tidyBatches: `WITH old AS MATERIALIZED (
  SELECT id FROM ${batches} WHERE ended_at < ${fromMs('$1::float8')} ORDER BY ended_at LIMIT 20 FOR UPDATE SKIP LOCKED
), parts AS MATERIALIZED (
  SELECT t.id FROM old JOIN ${tasks} t ON t.batch_id = old.id WHERE t.status <> 'dead' LIMIT ${REMOVE_SLICE}
), emptied AS (
  DELETE FROM ${tasks} t USING parts p WHERE t.id = p.id
), gone AS (
  DELETE FROM ${batches} b USING old WHERE b.id = old.id AND (SELECT count(*) FROM parts) < ${REMOVE_SLICE}
)
SELECT count(*)::text AS removed, (count(*) > 0)::text AS more FROM old`,
    tidyDead: `WITH excess AS MATERIALIZED (SELECT sum(bytes) - $1::float8 AS bytes FROM ${tasks} WHERE status = 'dead'), aged AS MATERIALIZED (
  SELECT id, sum(bytes) OVER (ORDER BY finished_at, id) - bytes AS older FROM ${tasks}
  WHERE status = 'dead' AND (SELECT bytes FROM excess) > 0 ORDER BY finished_at, id LIMIT ${REMOVE_SLICE}
), found AS MATERIALIZED (
  SELECT t.id FROM aged a JOIN ${tasks} t ON t.id = a.id WHERE a.older < (SELECT bytes FROM excess) AND t.status = 'dead' FOR UPDATE OF t SKIP LOCKED
), ${forgetting(tasks, batches)}
SELECT count(*)::text AS removed, (count(*) = ${REMOVE_SLICE})::text AS more FROM found`,
  }
}
