import type { BatchRow, NewBatch } from '../job-backend.ts'
import type { Statements } from './sqlite-database.ts'

const COLUMNS =
  'id, name, batch_size AS batchSize, created_at AS createdAt, max_failed_items AS maxFailedItems, stops_on_failure AS stopsOnFailure, webhook, total_items AS totalItems, chunks, chunks_done AS chunksDone, processed_items AS processedItems, failed_items AS failedItems, is_cancelled AS isCancelled, ended_at AS endedAt, is_notified AS isNotified'

type Flag = 'stopsOnFailure' | 'isCancelled' | 'isNotified'
type Row = Omit<BatchRow, Flag> & Readonly<Record<Flag, number>>

/** Increments for the counts of a batch job. */
export interface BatchCounts {
  readonly chunks: number
  readonly doneItems: number
  readonly failedItems: number
}

const NEW_COLUMNS = 'id, name, batch_size, created_at, max_failed_items, stops_on_failure, webhook'

/** Counts of batch jobs. Methods that change them run in a transaction. */
export class SqliteBatches {
  constructor(private readonly sql: Statements) {}

  open({ id, name, batchSize, createdAt, maxFailedItems, stopsOnFailure, webhook }: NewBatch): void {
    const sql = `INSERT INTO sluice_batches (${NEW_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
    this.sql.run(sql, id, name, batchSize, createdAt, maxFailedItems, Number(stopsOnFailure), webhook)
  }

  /** @returns The batch job if it ends with this. */
  seal(id: string, chunks: number, totalItems: number, at: number): readonly BatchRow[] {
    this.sql.run('UPDATE sluice_batches SET chunks = ?, total_items = ? WHERE id = ?', chunks, totalItems, id)
    return this.#ended(id, at)
  }

  get(id: string): BatchRow | undefined {
    const row = this.sql.get<Row>(`SELECT ${COLUMNS} FROM sluice_batches WHERE id = ?`, id)
    return row && batchOf(row)
  }

  /** @returns The batch job if it ends with this; `undefined` if it does not exist. */
  count(
    id: string,
    { chunks, doneItems, failedItems }: BatchCounts,
    at: number,
  ): readonly BatchRow[] | undefined {
    const sql =
      'UPDATE sluice_batches SET chunks_done = chunks_done + ?, processed_items = processed_items + ?, failed_items = failed_items + ? WHERE id = ?'
    if (this.sql.run(sql, chunks, doneItems, failedItems, id) === 0) return undefined
    return chunks > 0 ? this.#ended(id, at) : []
  }

  /** @returns Whether there was one that was not over. */
  cancel(id: string): boolean {
    return (
      this.sql.run('UPDATE sluice_batches SET is_cancelled = 1 WHERE id = ? AND ended_at IS NULL', id) > 0
    )
  }

  isCancelled(id: string): boolean {
    return this.sql.get('SELECT 1 FROM sluice_batches WHERE id = ? AND is_cancelled = 1', id) !== undefined
  }

  /** One of its dead letters is retried: its failed items are open again. */
  reopened(id: string, items: number): void {
    const sql =
      'UPDATE sluice_batches SET chunks_done = chunks_done - 1, failed_items = failed_items - ?, ended_at = NULL, is_notified = 0 WHERE id = ?'
    this.sql.run(sql, items, id)
  }

  notified(id: string): void {
    this.sql.run('UPDATE sluice_batches SET is_notified = 1 WHERE id = ? AND ended_at IS NOT NULL', id)
  }

  unnotified(before: number): readonly BatchRow[] {
    const sql = `SELECT ${COLUMNS} FROM sluice_batches WHERE ended_at IS NOT NULL AND ended_at <= ? AND is_notified = 0 AND webhook IS NOT NULL`
    return this.sql.all<Row>(sql, before).map(batchOf)
  }

  /** The batch job that ended first, if it had ended by then. */
  oldest(before: number): string | undefined {
    const sql =
      'SELECT id FROM sluice_batches WHERE ended_at IS NOT NULL AND ended_at < ? ORDER BY ended_at LIMIT 1'
    return this.sql.get<Row>(sql, before)?.id
  }

  remove(id: string): void {
    this.sql.run('DELETE FROM sluice_batches WHERE id = ?', id)
  }

  /** The only way in which a batch ends, once. */
  #ended(id: string, at: number): readonly BatchRow[] {
    const sql = `UPDATE sluice_batches SET ended_at = ? WHERE id = ? AND ended_at IS NULL AND chunks_done >= chunks RETURNING ${COLUMNS}`
    return this.sql.all<Row>(sql, at, id).map(batchOf)
  }
}

function batchOf(row: Row): BatchRow {
  return {
    ...row,
    stopsOnFailure: row.stopsOnFailure === 1,
    isCancelled: row.isCancelled === 1,
    isNotified: row.isNotified === 1,
  }
}
