import type { RetentionLimits } from '../job-backend.ts'
import type { SqliteBatches } from './sqlite-batches.ts'
import type { Statements } from './sqlite-database.ts'
import type { SqliteQueues } from './sqlite-queues.ts'
import { DEAD } from './task-row.ts'

/** Rows that are removed in one transaction: others get their turn between two. */
const SLICE = 200

export interface DeadFilter {
  readonly queue?: string
  readonly id?: string
  readonly before?: number
}

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
    let left = excess
    for (const { seq, bytes } of this.sql.all<{ readonly seq: number; readonly bytes: number }>(sql)) {
      if (left <= 0) return false
      this.sql.run('DELETE FROM sluice_tasks WHERE seq = ?', seq)
      left -= bytes
    }
    return left > 0
  }
}
