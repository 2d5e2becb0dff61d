import {
  type AddedTask,
  type BatchRow,
  type CancelledTask,
  MAX_FAILURES,
  type NewTask,
  type RenewedClaims,
  type TaskClaim,
  type TaskFilter,
  type TaskOutcome,
  type TaskRecord,
} from '../job-backend.ts'
import type { SqliteBatches } from './sqlite-batches.ts'
import type { Statements } from './sqlite-database.ts'
import type { SqliteQueues } from './sqlite-queues.ts'
import {
  CANCELLED,
  CLAIM_COLUMNS,
  type ClaimRow,
  COMPLETED,
  claimOf,
  DEAD,
  FAILED,
  failuresOf,
  PENDING,
  PROCESSING,
  QUEUED,
  RECORD_COLUMNS,
  RETRY,
  type RecordRow,
  recordOf,
  settingsText,
  statuses,
} from './sqlite-schema.ts'

/** Fields of a task whose state changes. */
interface HeldRow {
  readonly seq: number
  readonly id: string
  readonly state: number
  readonly token: number
  readonly batch: string | null
  readonly items: number
  readonly is_cancelled: number
  readonly failures: string | null
}

interface End {
  readonly state: number
  readonly at: number
  readonly doneItems: number
  readonly failedItems: number
}

const HELD = 'seq, id, state, token, batch, items, is_cancelled, failures'
const WAITING = `state IN (${QUEUED}, ${PENDING}, ${RETRY})`
const LATER = `state IN (${PENDING}, ${RETRY})`
// The caller is alive, so its own tasks are not lost.
const IS_LOST = `state = ${PROCESSING} AND lease_until < ? AND owner <> ?`
const IS_OVER = `state >= ${COMPLETED}`
const NEW_COLUMNS =
  'id, queue, level, ord, state, run_at, created_at, unique_key, batch, chunk, items, settings, data'
/** Tasks whose time has come, or whose workers were lost, that one step takes up. */
const MAX_TAKEN_UP = 200
const NONE: readonly never[] = []

/** The tasks of a file. Methods that change them run in a transaction. */
export class SqliteTasks {
  constructor(
    private readonly sql: Statements,
    private readonly queues: SqliteQueues,
    private readonly batches: SqliteBatches,
  ) {}

  add(task: NewTask): AddedTask {
    const { id, level, order, runAt, createdAt, uniqueKey, batchId, chunk, items, data } = task
    const queue = this.queues.id(task.queue)
    const sql = `INSERT INTO sluice_tasks (${NEW_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
    const state = runAt === 0 ? QUEUED : PENDING
    const values = [
      id,
      queue,
      level,
      order,
      state,
      runAt,
      createdAt,
      uniqueKey,
      batchId,
      chunk,
      items,
      settingsText(task.settings),
      data,
    ]
    if (this.sql.run(sql, ...values) > 0) return { id, isDuplicate: false }
    return { id: this.#holder(queue, uniqueKey) ?? id, isDuplicate: true }
  }

  /** Whether there is something to claim. */
  isReady(queue: number, now: number): boolean {
    const sql = `SELECT EXISTS (SELECT 1 FROM sluice_tasks WHERE queue = ? AND state = ${QUEUED})
      OR EXISTS (SELECT 1 FROM sluice_tasks WHERE queue = ? AND ${LATER} AND run_at <= ?) AS found`
    return this.sql.get<{ readonly found: number }>(sql, queue, queue, now)?.found === 1
  }

  /** Whether other workers have died while running tasks. */
  isLost(owner: string, now: number): boolean {
    return this.sql.get(`SELECT 1 FROM sluice_tasks WHERE ${IS_LOST} LIMIT 1`, now, owner) !== undefined
  }

  /**
   * Puts back the tasks of dead workers.
   *
   * @returns Batch jobs that ended because of this.
   */
  recover(owner: string, now: number): readonly BatchRow[] {
    const sql = `UPDATE sluice_tasks SET state = ${QUEUED}, crashes = crashes + 1, owner = NULL, lease_until = NULL
      WHERE seq IN (SELECT seq FROM sluice_tasks WHERE ${IS_LOST} LIMIT ${MAX_TAKEN_UP})
      RETURNING ${HELD}`
    const lost = this.sql.all<HeldRow>(sql, now, owner)
    return lost.flatMap((row) => (this.#isToEnd(row) ? this.#cancel(row, now) : NONE))
  }

  /** Makes due tasks ready. */
  promote(queue: number, now: number): void {
    const sql = `UPDATE sluice_tasks SET state = ${QUEUED} WHERE seq IN
      (SELECT seq FROM sluice_tasks WHERE queue = ? AND ${LATER} AND run_at <= ? ORDER BY run_at LIMIT ${MAX_TAKEN_UP})`
    this.sql.run(sql, queue, now)
  }

  nextAt(queue: number): number | undefined {
    const sql = `SELECT min(run_at) AS at FROM sluice_tasks WHERE queue = ? AND ${LATER}`
    return this.sql.get<{ readonly at: number | null }>(sql, queue)?.at ?? undefined
  }

  claim(
    queue: number,
    name: string,
    want: number,
    owner: string,
    now: number,
    leaseMs: number,
  ): readonly TaskClaim[] {
    const sql = `UPDATE sluice_tasks SET state = ${PROCESSING}, token = token + 1, owner = ?, lease_until = ?, started_at = ?
      WHERE seq IN (SELECT seq FROM sluice_tasks WHERE queue = ? AND state = ${QUEUED} ORDER BY ord, seq LIMIT ?)
      RETURNING ${CLAIM_COLUMNS}`
    const rows = [...this.sql.all<ClaimRow>(sql, owner, now + leaseMs, now, queue, want)]
    // `RETURNING` keeps no order.
    rows.sort((left, right) => left.order - right.order || left.seq - right.seq)
    return rows.map((row) => claimOf(row, name))
  }

  /** @returns Batch jobs that ended because of this; `undefined` if the outcome does not count. */
  settle(outcome: TaskOutcome): readonly BatchRow[] | undefined {
    const { claim, kind, at } = outcome
    if (kind === 'done' && claim.batchId === null) {
      // A completed task counts, regardless of who has claimed it meanwhile.
      return this.sql.run(`DELETE FROM sluice_tasks WHERE id = ? AND NOT ${IS_OVER}`, claim.id) > 0
        ? NONE
        : undefined
    }
    const row = this.#held(claim.id)
    if (row === undefined || row.state >= COMPLETED) return undefined
    // If another worker has tried it meanwhile, fewer items are left.
    if (kind === 'done') return this.#end(row, { state: COMPLETED, at, doneItems: row.items, failedItems: 0 })
    if (row.state !== PROCESSING || row.token !== claim.token) return undefined
    this.#note(row, outcome)
    const { doneItems, failedItems } = outcome
    if (kind === 'dead')
      return this.#end(row, { state: outcome.isStored ? DEAD : FAILED, at, doneItems, failedItems })
    if (kind === 'cancelled' || this.#isToEnd(row))
      return this.#end(row, { state: CANCELLED, at, doneItems, failedItems })
    const later = kind === 'retry' ? RETRY : PENDING
    const sql =
      'UPDATE sluice_tasks SET state = ?, run_at = ?, owner = NULL, lease_until = NULL WHERE seq = ?'
    this.sql.run(sql, outcome.runAt > at ? later : QUEUED, outcome.runAt, row.seq)
    if (row.batch !== null && doneItems > 0)
      this.batches.count(row.batch, { chunks: 0, doneItems, failedItems }, at)
    return NONE
  }

  renew(claims: readonly TaskClaim[], leaseUntil: number): RenewedClaims {
    const lost: TaskClaim[] = []
    const cancelled: TaskClaim[] = []
    const sql = `UPDATE sluice_tasks SET lease_until = ? WHERE id = ? AND token = ? AND state = ${PROCESSING} RETURNING is_cancelled`
    for (const claim of claims) {
      const row = this.sql.get<HeldRow>(sql, leaseUntil, claim.id, claim.token)
      if (row === undefined) lost.push(claim)
      else if (row.is_cancelled === 1) cancelled.push(claim)
    }
    return { lost, cancelled }
  }

  cancel(id: string, at: number): CancelledTask | undefined {
    const row = this.#held(id)
    if (row === undefined || row.state >= COMPLETED) return undefined
    if (row.state === PROCESSING) {
      this.sql.run('UPDATE sluice_tasks SET is_cancelled = 1 WHERE seq = ?', row.seq)
      return { was: 'running', batches: NONE }
    }
    return { was: 'waiting', batches: this.#cancel(row, at) }
  }

  /**
   * Cancels some of what waits of a batch.
   *
   * @param after - The number of the last task that was seen, 0 at first.
   * @returns That number now, `undefined` at the end.
   */
  cancelSome(
    batch: string,
    after: number,
    limit: number,
    at: number,
  ): { readonly after?: number; readonly batches: readonly BatchRow[] } {
    const sql = `SELECT ${HELD} FROM sluice_tasks WHERE batch = ? AND seq > ? AND ${WAITING} ORDER BY seq LIMIT ?`
    const rows = this.sql.all<HeldRow>(sql, batch, after, limit)
    const batches = rows.flatMap((row) => this.#cancel(row, at))
    const last = rows.length === limit ? rows.at(-1)?.seq : undefined
    return { batches, ...(last === undefined ? {} : { after: last }) }
  }

  /**
   * Marks what runs of a batch.
   *
   * @returns The ids.
   */
  stopRunning(batch: string): readonly string[] {
    const sql = `UPDATE sluice_tasks INDEXED BY sluice_tasks_lease SET is_cancelled = 1 WHERE state = ${PROCESSING} AND batch = ? RETURNING id`
    return this.sql.all<HeldRow>(sql, batch).map(({ id }) => id)
  }

  /** The ids of an owner's tasks that must stop. */
  toStop(owner: string): readonly string[] {
    const sql = `SELECT id FROM sluice_tasks WHERE owner = ? AND state = ${PROCESSING} AND is_cancelled = 1`
    return this.sql.all<HeldRow>(sql, owner).map(({ id }) => id)
  }

  replay(id: string): string | undefined {
    const found = `SELECT ${HELD}, queue, unique_key FROM sluice_tasks WHERE id = ?`
    const row = this.sql.get<HeldRow & { readonly queue: number; readonly unique_key: string | null }>(
      found,
      id,
    )
    if (row?.state !== DEAD || this.#holder(row.queue, row.unique_key) !== undefined) return undefined
    const sql = `UPDATE sluice_tasks SET state = ${QUEUED}, attempts = 0, crashes = 0, is_cancelled = 0, run_at = 0, finished_at = NULL WHERE seq = ?`
    this.sql.run(sql, row.seq)
    if (row.batch !== null) this.batches.reopened(row.batch, row.items)
    return this.queues.nameOf(row.queue)
  }

  get(id: string): TaskRecord | undefined {
    const row = this.sql.get<RecordRow>(`SELECT ${RECORD_COLUMNS} FROM sluice_tasks WHERE id = ?`, id)
    return row && recordOf(row)
  }

  list({ queue, status, batchId }: TaskFilter, offset: number, limit: number): readonly TaskRecord[] {
    const conditions: string[] = []
    const values: unknown[] = []
    if (batchId !== undefined) {
      conditions.push('batch = ?')
      values.push(batchId)
    }
    if (queue !== undefined) {
      conditions.push('queue = ?')
      values.push(this.queues.find(queue) ?? -1)
    }
    // No value, as an index of one state alone is known by it.
    if (status !== undefined) conditions.push(`state = ${statuses.indexOf(status)}`)
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
    const sql = `SELECT ${RECORD_COLUMNS} FROM sluice_tasks ${where} ORDER BY seq LIMIT ? OFFSET ?`
    return this.sql.all<RecordRow>(sql, ...values, limit, offset).map(recordOf)
  }

  /** The task that has a unique key. */
  #holder(queue: number, uniqueKey: string | null): string | undefined {
    if (uniqueKey === null) return undefined
    const sql = `SELECT id FROM sluice_tasks WHERE queue = ? AND unique_key = ? AND state < ${COMPLETED}`
    return this.sql.get<HeldRow>(sql, queue, uniqueKey)?.id
  }

  #held(id: string): HeldRow | undefined {
    return this.sql.get<HeldRow>(`SELECT ${HELD} FROM sluice_tasks WHERE id = ?`, id)
  }

  /** Whether the task, or its batch job, was cancelled while it was claimed. */
  #isToEnd({ batch, is_cancelled }: HeldRow): boolean {
    return is_cancelled === 1 || (batch !== null && this.batches.isCancelled(batch))
  }

  /** Records the failure and remaining data of an attempt. */
  #note({ seq, failures }: HeldRow, { kind, failure, data, doneItems }: TaskOutcome): void {
    const isFailed = kind === 'retry' || kind === 'dead'
    const stored =
      failure === null ? failures : JSON.stringify([...failuresOf(failures), failure].slice(-MAX_FAILURES))
    if (!isFailed && failure === null && data === null && doneItems === 0) return
    const sql =
      'UPDATE sluice_tasks SET attempts = attempts + ?, failures = ?, data = coalesce(?, data), items = items - ? WHERE seq = ?'
    this.sql.run(sql, Number(isFailed), stored, data, doneItems, seq)
  }

  #cancel(row: HeldRow, at: number): readonly BatchRow[] {
    return this.#end(row, { state: CANCELLED, at, doneItems: 0, failedItems: 0 })
  }

  /** The only way in which such a task ends; its batch job counts it in the same transaction. */
  #end({ seq, batch }: HeldRow, { state, at, doneItems, failedItems }: End): readonly BatchRow[] {
    const ended =
      batch === null ? undefined : this.batches.count(batch, { chunks: 1, doneItems, failedItems }, at)
    // The data of a batch can be read until it is forgotten.
    if (ended === undefined && state !== DEAD) this.sql.run('DELETE FROM sluice_tasks WHERE seq = ?', seq)
    else
      this.sql.run(
        'UPDATE sluice_tasks SET state = ?, finished_at = ?, owner = NULL, lease_until = NULL WHERE seq = ?',
        state,
        at,
        seq,
      )
    return ended ?? NONE
  }
}
