import type { QueueCounts } from '../job-backend.ts'
import type { Statements } from './sqlite-database.ts'
import { DEAD, PENDING, PROCESSING, QUEUED, RETRY, statuses } from './task-row.ts'

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
      ...{
        pending: of(PENDING),
        queued: of(QUEUED),
        processing: of(PROCESSING),
        retry: of(RETRY),
        dead: of(DEAD),
      },
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
