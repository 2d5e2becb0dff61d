import { MAX_FAILURES } from '../../job-backend.ts'
import { afterMs, batchJson, claimJson, fromMs, identifier, OPEN, type TableNames } from './records.ts'

/** Number of due tasks that a step makes ready, in addition to the number that it returns. */
const PROMOTED = 100

/** Parameters of the function, in order. */
const PARAMETERS = [
  'who text',
  'queue text',
  'want int',
  'lease_ms float8',
  'now_ms float8',
  // Outcomes, sorted by task.
  'ids uuid[]',
  'batches uuid[]',
  'tokens int[]',
  'kinds text[]',
  'ats float8[]',
  'delays float8[]',
  'failures text[]',
  'kept boolean[]',
  'done_items int[]',
  'failed_items int[]',
  'data text[]',
] as const

/** The name contains the version: processes of an earlier release can still call theirs. */
function functionName(schema: string): string {
  return `${identifier(schema)}.job_step_v1`
}

/** Calls it, with a parameter for each. */
export function stepSql(schema: string): string {
  const values = PARAMETERS.map((parameter, at) => `$${at + 1}::${typeOf(parameter)}`)
  return `SELECT kind, id, info, data FROM ${functionName(schema)}(${values.join(', ')})`
}

/** Names it, for a grant. */
export function stepSignature(schema: string): string {
  return `${functionName(schema)}(${PARAMETERS.map(typeOf).join(', ')})`
}

const typeOf = (parameter: string): string => parameter.slice(parameter.indexOf(' ') + 1)

/**
 * Records outcomes and returns claims in one round trip and one transaction. It is a function so that its
 * plans are cached. They must be right regardless of the table's statistics: an empty queue can have 100,000
 * tasks a second later. Therefore, it only looks up single rows by id, and others in the order of an index.
 *
 * All statements that lock several rows use the same order, to prevent deadlocks: first batch jobs by id,
 * then tasks by id. Claims skip locked rows.
 */
export function stepFunctionSql(schema: string, names: TableNames): string {
  const { tasks, batches, queues } = names
  const parameters = PARAMETERS.map((parameter) => `p_${parameter}`).join(', ')
  return `CREATE OR REPLACE FUNCTION ${functionName(schema)}(${parameters})
RETURNS TABLE (kind text, id text, info text, data text) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $sluice$
#variable_conflict use_column
DECLARE
  t record;
  b record;
  v_batch uuid;
  v_next text;
  v_is_over boolean;
  -- By outcome: what counts for its batch.
  v_done int[] := array_fill(0, ARRAY[cardinality(p_ids)]);
  v_failed int[] := v_done;
  v_chunks int[] := v_done;
  v_has_lost boolean := false;
BEGIN
  FOR v_batch IN SELECT DISTINCT u.batch FROM unnest(p_batches) AS u(batch) WHERE u.batch IS NOT NULL ORDER BY u.batch LOOP
    PERFORM FROM ${batches} WHERE id = v_batch FOR UPDATE;
  END LOOP;

  FOR i IN 1 .. cardinality(p_ids) LOOP
    SELECT s.status, s.token, s.items, s.is_cancelled, s.batch_id INTO t FROM ${tasks} s WHERE s.id = p_ids[i] FOR UPDATE;
    CONTINUE WHEN NOT FOUND OR NOT CASE p_kinds[i]
      WHEN 'done' THEN t.status IN ${OPEN}
      ELSE t.status = 'processing' AND t.token = p_tokens[i]
    END;
    v_next := CASE
      WHEN p_kinds[i] = 'done' THEN 'completed'
      WHEN p_kinds[i] = 'dead' THEN CASE WHEN p_kept[i] THEN 'dead' ELSE 'failed' END
      WHEN p_kinds[i] = 'cancelled' OR t.is_cancelled THEN 'cancelled'
      WHEN p_delays[i] <= 0 THEN 'queued'
      WHEN p_kinds[i] = 'retry' THEN 'retry'
      ELSE 'pending'
    END;
    v_is_over := v_next NOT IN ${OPEN};
    v_done[i] := CASE WHEN p_kinds[i] = 'done' THEN t.items ELSE least(p_done_items[i], t.items) END;
    v_failed[i] := p_failed_items[i];
    v_chunks[i] := v_is_over::int;
    IF v_is_over AND v_next <> 'dead' AND (t.batch_id IS NULL OR NOT EXISTS (SELECT FROM ${batches} WHERE id = t.batch_id)) THEN
      DELETE FROM ${tasks} WHERE id = p_ids[i];
    ELSE
      UPDATE ${tasks} s SET
        status = v_next,
        attempts = s.attempts + (p_kinds[i] IN ('retry', 'dead'))::int,
        items = s.items - v_done[i],
        run_at = CASE WHEN v_next IN ('retry', 'pending') THEN ${afterMs('p_delays[i]')} ELSE s.run_at END,
        finished_at = CASE WHEN v_is_over THEN ${fromMs('p_ats[i]')} END,
        failures = CASE WHEN p_failures[i] IS NULL THEN s.failures
          ELSE (s.failures || p_failures[i])[greatest(1, cardinality(s.failures) + ${2 - MAX_FAILURES}):] END,
        data = coalesce(p_data[i], s.data),
        bytes = coalesce(octet_length(p_data[i]), s.bytes),
        lease_until = NULL,
        owner = NULL
      WHERE id = p_ids[i];
    END IF;
    kind := 'taken';
    id := p_ids[i];
    RETURN NEXT;
  END LOOP;

  FOR b IN
    SELECT u.batch, sum(u.done) AS done, sum(u.failed) AS failed, sum(u.chunks) AS chunks, max(u.at_ms) AS at_ms
    FROM unnest(p_batches, v_done, v_failed, v_chunks, p_ats) AS u(batch, done, failed, chunks, at_ms) WHERE u.batch IS NOT NULL GROUP BY u.batch
  LOOP
    UPDATE ${batches} s SET
      processed_items = s.processed_items + b.done,
      failed_items = s.failed_items + b.failed,
      chunks_done = s.chunks_done + b.chunks,
      ended_at = CASE WHEN s.ended_at IS NULL AND s.chunks_done + b.chunks >= s.chunks THEN ${fromMs('b.at_ms')} ELSE s.ended_at END,
      ended_by = CASE WHEN s.ended_at IS NULL AND s.chunks_done + b.chunks >= s.chunks THEN p_who ELSE s.ended_by END
    WHERE id = b.batch AND (b.done <> 0 OR b.failed <> 0 OR b.chunks <> 0)
    RETURNING 'batch', s.id::text, ${batchJson('s')}, s.chunks_done >= s.chunks AND s.chunks_done - b.chunks < s.chunks
    INTO kind, id, info, v_is_over;
    IF v_is_over THEN
      RETURN NEXT;
    END IF;
  END LOOP;
  info := NULL;

  data := NULL;
  IF p_want <= 0 OR EXISTS (SELECT FROM ${queues} WHERE name = p_queue AND is_paused) THEN
    RETURN;
  END IF;
  FOR t IN
    SELECT s.id FROM ${tasks} s WHERE s.queue = p_queue AND s.status IN ('pending', 'retry') AND s.run_at <= now()
    ORDER BY s.run_at LIMIT p_want + ${PROMOTED} FOR UPDATE SKIP LOCKED
  LOOP
    UPDATE ${tasks} SET status = 'queued' WHERE id = t.id;
  END LOOP;
  -- One that has lost its worker at a time, as each is run alone.
  SELECT s.id, s.order_ms INTO b FROM ${tasks} s WHERE s.queue = p_queue AND s.status = 'processing' AND s.lease_until <= now()
  ORDER BY s.lease_until LIMIT 1 FOR UPDATE SKIP LOCKED;
  v_has_lost := FOUND;
  FOR t IN
    SELECT c.id, c.crashes FROM (
      SELECT b.id, b.order_ms, 1 AS crashes WHERE v_has_lost
      UNION ALL SELECT r.id, r.order_ms, 0 FROM (
        SELECT s.id, s.order_ms FROM ${tasks} s WHERE s.queue = p_queue AND s.status = 'queued'
        ORDER BY s.order_ms, s.id LIMIT p_want FOR UPDATE SKIP LOCKED
      ) r
    ) c ORDER BY c.order_ms, c.id LIMIT p_want
  LOOP
    UPDATE ${tasks} s SET
      status = 'processing',
      token = s.token + 1,
      crashes = s.crashes + t.crashes,
      owner = p_who,
      lease_until = ${afterMs('p_lease_ms')},
      started_at = ${fromMs('p_now_ms')}
    WHERE s.id = t.id
    RETURNING 'claim', s.id::text, ${claimJson('s')}, s.data INTO kind, id, info, data;
    RETURN NEXT;
  END LOOP;
  kind := 'next';
  id := NULL;
  data := NULL;
  info := CASE WHEN v_has_lost THEN '0' ELSE (
    SELECT (extract(epoch FROM min(s.run_at) - clock_timestamp()) * 1000)::text FROM ${tasks} s
    WHERE s.queue = p_queue AND s.status IN ('pending', 'retry')
  ) END;
  RETURN NEXT;
END
$sluice$;
`
}
