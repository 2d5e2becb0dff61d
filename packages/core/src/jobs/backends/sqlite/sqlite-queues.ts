import type { DeadFilter, QueueCounts, RetentionLimits } from '../job-backend.ts'
import type { SqliteBatches } from './sqlite-batches.ts'
import type { Statements } from './sqlite-database.ts'
import { DEAD, PENDING, PROCESSING, QUEUED, RETRY, statuses } from './sqlite-schema.ts'

interface QueueRow {
  readonly id: number
  readonly is_paused: number
}

/** The queues of a file: their numbers, whether they are paused, and how many tasks they have. */
export class SqliteQueues {
  readonly #ids = new Map<string, number>()

  constructor(private readonly sql: Statements) {}

  /** Cached values can be wrong after a rollback. */
  forget(): void {
    this.#ids.clear()
  }

  /** The number of a queue; `undefined` when there is none of that name yet. */
  find(name: string): number | undefined {
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    const row = this.sql.get<QueueRow>('SELECT id FROM sluice_queues WHERE name = ?', name)
    if (row !== undefined) this.#ids.set(name, row.id)
    return row?.id
  }

  /** The number of a queue, which is inserted if it does not exist. In a transaction. */
  id(name: string): number {
    const known = this.find(name)
    if (known !== undefined) return known
    this.sql.run('INSERT INTO sluice_queues (name) VALUES (?)', name)
    const id = this.find(name) as number
    for (const state of statuses.keys())
      this.sql.run('INSERT INTO sluice_tallies (queue, state) VALUES (?, ?)', id, state)
    return id
  }

  nameOf(id: number): string | undefined {
    return this.sql.get<{ readonly name: string }>('SELECT name FROM sluice_queues WHERE id = ?', id)?.name
  }

  pause(name: string, isPaused: boolean): void {
    this.sql.run('UPDATE sluice_queues SET is_paused = ? WHERE id = ?', Number(isPaused), this.id(name))
  }

  isPaused(id: number): boolean {
    return this.sql.get<QueueRow>('SELECT is_paused FROM sluice_queues WHERE id = ?', id)?.is_paused === 1
  }

  counts(name: string): QueueCounts {
    const id = this.find(name)
    const tasks = new Array<number>(statuses.length).fill(0)
    if (id !== undefined) {
      const rows = this.sql.all<{ readonly state: number; readonly tasks: number }>(
        'SELECT state, tasks FROM sluice_tallies WHERE queue = ?',
        id,
      )
      for (const row of rows) tasks[row.state] = row.tasks
    }
    const of = (state: number) => tasks[state] ?? 0
    return {
      pending: of(PENDING),
      queued: of(QUEUED),
      processing: of(PROCESSING),
      retry: of(RETRY),
      dead: of(DEAD),
      oldestQueuedAt: id === undefined || of(QUEUED) === 0 ? null : this.#oldest(id),
      isPaused: id !== undefined && this.isPaused(id),
    }
  }

  /** Bytes of data of dead letters. */
  deadBytes(): number {
    return (
      this.sql.get<{ readonly bytes: number }>(
        'SELECT sum(bytes) AS bytes FROM sluice_tallies WHERE state = ?',
        DEAD,
      )?.bytes ?? 0
    )
  }

  #oldest(id: number): number | null {
    const sql = `SELECT min(created_at) AS at FROM sluice_tasks WHERE queue = ? AND state = ${QUEUED}`
    return this.sql.get<{ readonly at: number | null }>(sql, id)?.at ?? null
  }
}

/** Rows that are removed in one transaction: others get their turn between two. */
const SLICE = 200

/**
 * Deletes expired data in slices. Each method is called in a transaction, and again while it returns that
 * there is more.
 */
export class SqliteRetention {
  constructor(
    private readonly sql: Statements,
    private readonly queues: SqliteQueues,
    private readonly batches: SqliteBatches,
  ) {}

  /** @returns How many dead letters were removed. */
  purge({ queue, id, before }: DeadFilter): { readonly purged: number; readonly isMore: boolean } {
    const conditions = [`state = ${DEAD}`]
    const values: unknown[] = []
    if (queue !== undefined) {
      conditions.push('queue = ?')
      values.push(this.queues.find(queue) ?? -1)
    }
    if (id !== undefined) {
      conditions.push('id = ?')
      values.push(id)
    }
    if (before !== undefined) {
      conditions.push('finished_at < ?')
      values.push(before)
    }
    const sql = `DELETE FROM sluice_tasks WHERE seq IN (SELECT seq FROM sluice_tasks WHERE ${conditions.join(' AND ')} LIMIT ${SLICE})`
    const purged = this.sql.run(sql, ...values)
    return { purged, isMore: purged === SLICE }
  }

  /** Whether there is anything to delete. Checking takes no lock. */
  isDue(limits: RetentionLimits, at: number): boolean {
    return (
      this.queues.deadBytes() > limits.maxDeadBytes ||
      this.batches.oldest(at - limits.maxBatchAgeMs) !== undefined ||
      this.sql.get('SELECT 1 FROM sluice_slots WHERE expires_at <= ? LIMIT 1', at) !== undefined
    )
  }

  /** @returns Whether there is more. */
  tidy({ maxDeadBytes, maxBatchAgeMs }: RetentionLimits, at: number): boolean {
    this.sql.run('DELETE FROM sluice_slots WHERE expires_at <= ?', at)
    const isMoreDead = this.#dropDead(this.queues.deadBytes() - maxDeadBytes)
    const batch = this.batches.oldest(at - maxBatchAgeMs)
    if (batch === undefined) return isMoreDead
    const parts = `DELETE FROM sluice_tasks WHERE seq IN (SELECT seq FROM sluice_tasks WHERE batch = ? AND state <> ${DEAD} LIMIT ${SLICE})`
    if (this.sql.run(parts, batch) < SLICE) this.batches.remove(batch)
    return true
  }

  #dropDead(excess: number): boolean {
    if (excess <= 0) return false
    const sql = `SELECT seq, length(CAST(data AS BLOB)) AS bytes FROM sluice_tasks WHERE state = ${DEAD} ORDER BY finished_at, seq LIMIT ${SLICE}`
    let excessBytes = excess
    for (const { seq, bytes } of this.sql.all<{ readonly seq: number; readonly bytes: number }>(sql)) {
      if (excessBytes <= 0) return false
      this.sql.run('DELETE FROM sluice_tasks WHERE seq = ?', seq)
      excessBytes -= bytes
    }
    return excessBytes > 0
  }
}
