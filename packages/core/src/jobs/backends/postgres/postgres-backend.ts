import { randomUUID } from 'node:crypto'
import type {
  AddedTask,
  BatchRow,
  CancelledBatch,
  CancelledTask,
  DeadFilter,
  JobBackend,
  NewBatch,
  NewTask,
  PageRange,
  QueueCounts,
  RenewedClaims,
  RetentionLimits,
  StepResult,
  TaskClaim,
  TaskFilter,
  TaskOutcome,
  TaskRecord,
  WakeHint,
} from '../job-backend.ts'
import { addTasks, appQuery } from './add-tasks.ts'
import { PooledQueries, sqlStateOf, type TextRow } from './pooled-queries.ts'
import { setUpTables } from './postgres-jobs-sql.ts'
import {
  checkPostgresJobBackendOptions,
  DEFAULT_SCHEMA,
  type PostgresJobBackendOptions,
} from './postgres-options.ts'
import { batchOf, recordOf, toText } from './sql/records.ts'
import { CANCEL_SLICE, type Statements, statements } from './sql/statements.ts'
import { Steps } from './steps.ts'
import { WakeListener, WakeSender } from './wake-listener.ts'

/**
 * Stores tasks in your PostgreSQL database, version 12 or later, in separate tables. With `enqueueTask(…, {
 * transaction })`, the task exists if and only if your app's transaction commits: a transaction of an ORM, or
 * a client of `pg`.
 *
 * @throws InvalidOptionError.
 * @example
 * ```ts
 * const backend = postgresJobBackend({ pool: new pg.Pool({ connectionString }) })
 * const jobs = new AsyncBatchProcessingEngine({ backend })
 * await db.transaction(async (transaction) => {
 *   await transaction('orders').insert(order)
 *   await jobs.enqueueTask({ order: order.id }, 'normal', 'mail', { transaction })
 * })
 * ```
 */
export function postgresJobBackend(options: PostgresJobBackendOptions): JobBackend {
  checkPostgresJobBackendOptions(options)
  return new PostgresBackend(options)
}

const UNIQUE_VIOLATION = '23505'
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Stores tasks in tables of the app's PostgreSQL. Ready tasks are claimed with `FOR UPDATE SKIP LOCKED`;
 * leases use the server's clock.
 */
class PostgresBackend implements JobBackend {
  readonly name = 'postgres'
  readonly isDurable = true
  readonly isShared = true
  readonly hasTransactions = true
  readonly #schema: string
  readonly #queries: PooledQueries
  readonly #sql: Statements
  readonly #steps: Steps
  /** Sender id of notifications. */
  readonly #self = randomUUID()
  readonly #listener: WakeListener | undefined
  readonly #sender: WakeSender
  readonly #listeners = new Set<(hint: WakeHint) => void>()

  constructor({
    pool,
    schema = DEFAULT_SCHEMA,
    listen = true,
    timeoutMs = 5_000,
  }: PostgresJobBackendOptions) {
    this.#schema = schema
    this.#queries = new PooledQueries(pool, timeoutMs)
    this.#sql = statements(schema)
    this.#steps = new Steps(this.#queries, this.#sql)
    const onHint = (hint: WakeHint) => this.#wake(hint)
    this.#listener = listen
      ? new WakeListener(this.#queries, this.#sql.channel, timeoutMs, this.#self, onHint)
      : undefined
    this.#sender = new WakeSender((queues) => this.#notify(queues))
  }

  async open(): Promise<void> {
    await this.#queries.open()
    await setUpTables(this.#queries, this.#schema, this.#sql.version)
  }

  async add(tasks: readonly NewTask[], transaction?: unknown): Promise<readonly AddedTask[]> {
    if (transaction !== undefined) {
      const query = appQuery(transaction)
      return addTasks(tasks, {
        // The commit notifies all processes, including this one.
        add: async (json) => (await query(this.#sql.add, [json, '']))[0] ?? '',
        find: (json) => query(this.#sql.find, [json]),
      })
    }
    const queues = new Set(tasks.map(({ queue }) => queue))
    const isNotified = [...queues].map((queue) => this.#sender.isDue(queue)).some(Boolean)
    const store = {
      add: async (json: string) =>
        (await this.#ofTasks(json, this.#sql.add, [isNotified ? this.#self : null]))[0] ?? '',
      find: (json: string) => this.#ofTasks(json, this.#sql.find),
    }
    const added = await addTasks(tasks, store, true)
    for (const queue of queues) this.#wake({ queue })
    return added
  }

  async step(
    queue: string,
    outcomes: readonly TaskOutcome[],
    want: number,
    owner: string,
    leaseMs: number,
  ): Promise<StepResult> {
    if (want > 0) this.#listener?.start()
    const { cancelled, ...result } = await this.#steps.step(queue, outcomes, want, owner, leaseMs)
    // Tasks must run before they can be aborted.
    for (const id of cancelled) setImmediate(() => this.#wake({ cancel: id }))
    return result
  }

  async renew(claims: readonly TaskClaim[], _owner: string, leaseMs: number): Promise<RenewedClaims> {
    const rows = await this.#queries.run(this.#sql.renew, [
      claims.map(({ id }) => id),
      claims.map(({ token }) => token),
      leaseMs,
    ])
    const renewed = new Map(rows.map(({ claim, cancelled }) => [claim, cancelled === 'true']))
    const stateOf = ({ id, token }: TaskClaim) => renewed.get(`${id} ${token}`)
    return {
      lost: claims.filter((one) => stateOf(one) === undefined),
      cancelled: claims.filter((one) => stateOf(one) === true),
    }
  }

  async cancel(id: string, at: number): Promise<CancelledTask | undefined> {
    const [row] = await this.#byId(id, this.#sql.cancel, [id, at])
    if (row === undefined) return undefined
    if (row.running !== 'true') return { was: 'waiting', batches: row.batch === null ? [] : batchesIn([row]) }
    this.#wake({ cancel: id })
    return { was: 'running', batches: [] }
  }

  async replay(id: string): Promise<boolean> {
    try {
      const [row] = await this.#byId(id, this.#sql.replay, [id, this.#self])
      if (row === undefined) return false
      this.#wake({ queue: row.queue ?? '' })
      return true
    } catch (error) {
      // Another task has its key by now.
      if (sqlStateOf(error) === UNIQUE_VIOLATION) return false
      throw error
    }
  }

  async purge({ queue, id, before }: DeadFilter): Promise<number> {
    if (id !== undefined && !UUID.test(id)) return 0
    return this.#inSlices(this.#sql.purge, [queue ?? null, id ?? null, before ?? null])
  }

  async pause(queue: string, isPaused: boolean): Promise<void> {
    await this.#queries.run(this.#sql.pause, [queue, isPaused])
    if (isPaused) return
    await this.#notify([queue])
    this.#wake({ queue })
  }

  async openBatch({
    id,
    name,
    batchSize,
    createdAt,
    maxFailedItems,
    stopsOnFailure,
    webhook,
  }: NewBatch): Promise<void> {
    const address = webhook === null ? null : toText(webhook)
    await this.#queries.run(this.#sql.openBatch, [
      id,
      name,
      batchSize,
      createdAt,
      maxFailedItems,
      stopsOnFailure,
      address,
    ])
  }

  async sealBatch(id: string, chunks: number, totalItems: number, at: number): Promise<readonly BatchRow[]> {
    return batchesIn(await this.#queries.run(this.#sql.sealBatch, [id, chunks, totalItems, at]))
  }

  async batch(id: string): Promise<BatchRow | undefined> {
    return batchesIn(await this.#byId(id, this.#sql.batch, [id]))[0]
  }

  async cancelBatch(id: string, at: number): Promise<CancelledBatch> {
    for (let first = 0; ; first += CANCEL_SLICE) {
      const [row] = await this.#byId(id, this.#sql.cancelBatch, [id, at, first])
      // It may end between two slices.
      if (row === undefined) return { isFound: first > 0, batches: [] }
      for (const cancel of JSON.parse(row.running ?? '[]') as readonly string[]) this.#wake({ cancel })
      if (row.ended === 'true') return { isFound: true, batches: batchesIn([row]) }
      if (row.more !== 'true') return { isFound: true, batches: [] }
    }
  }

  async batchNotified(id: string): Promise<void> {
    await this.#queries.run(this.#sql.batchNotified, [id])
  }

  async unnotifiedBatches(before: number): Promise<readonly BatchRow[]> {
    return batchesIn(await this.#queries.run(this.#sql.unnotifiedBatches, [before]))
  }

  async get(id: string): Promise<TaskRecord | undefined> {
    return recordsIn(await this.#byId(id, this.#sql.get, [id]))[0]
  }

  async list(
    { queue, status, batchId }: TaskFilter,
    { offset, limit }: Required<PageRange>,
  ): Promise<readonly TaskRecord[]> {
    const filter = [queue ?? null, status ?? null, offset, limit]
    if (batchId === undefined) return recordsIn(await this.#queries.run(this.#sql.list, filter))
    return recordsIn(await this.#byId(batchId, this.#sql.listBatch, [...filter, batchId]))
  }

  async counts(queue: string, upTo?: number): Promise<QueueCounts> {
    const [row] =
      upTo === undefined
        ? await this.#queries.run(this.#sql.counts, [queue])
        : await this.#queries.run(this.#sql.countsUpTo, [queue, upTo])
    const [queued, oldestQueuedAt, pending, retry, processing, dead, isPaused] = JSON.parse(
      row?.counts ?? '[]',
    ) as [...[number, number | null, number, number, number, number, boolean]]
    return { queued, oldestQueuedAt, pending, retry, processing, dead, isPaused }
  }

  async takeSlot(key: string, at: number, expiresAt: number): Promise<boolean> {
    return (await this.#queries.run(this.#sql.takeSlot, [toText(key), expiresAt - at])).length > 0
  }

  async tidy({ maxDeadBytes, maxBatchAgeMs }: RetentionLimits, at: number): Promise<void> {
    await this.#queries.run(this.#sql.tidySlots)
    await this.#inSlices(this.#sql.tidyBatches, [at - maxBatchAgeMs])
    await this.#inSlices(this.#sql.tidyDead, [maxDeadBytes])
  }

  onWake(listener: (hint: WakeHint) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#listener?.close()
    await this.#sender.close()
  }

  /** Asks by tasks as JSON. */
  async #ofTasks(json: string, sql: string, values: readonly unknown[] = []): Promise<readonly string[]> {
    const rows = await this.#queries.run(sql, [json, ...values], Math.floor(json.length / BYTES_PER_MS))
    return rows.map(({ result }) => result ?? '')
  }

  /**
   * Deletes in slices, because each statement has a timeout, and others wait for its locks.
   *
   * @returns The number of deleted rows.
   */
  async #inSlices(sql: string, values: readonly unknown[]): Promise<number> {
    for (let removed = 0; ; ) {
      const [row] = await this.#queries.run(sql, values)
      removed += Number(row?.removed)
      if (row?.more !== 'true') return removed
    }
  }

  async #notify(queues: readonly string[]): Promise<void> {
    await this.#queries.run(this.#sql.notify, [queues, this.#self])
  }

  /** Users also pass ids that do not exist. */
  async #byId(id: string, sql: string, values: readonly unknown[]): Promise<readonly TextRow[]> {
    return UUID.test(id) ? this.#queries.run(sql, values) : []
  }

  #wake(hint: WakeHint): void {
    for (const listener of this.#listeners) listener(hint)
  }
}

/** Assumed minimum bandwidth: large tasks have a longer timeout. */
const BYTES_PER_MS = 10_000

function batchesIn(rows: readonly TextRow[]): readonly BatchRow[] {
  return rows.map(({ batch }) => batchOf(batch ?? ''))
}

function recordsIn(rows: readonly TextRow[]): readonly TaskRecord[] {
  return rows.map(({ task, data }) => recordOf(task ?? '', data ?? ''))
}
