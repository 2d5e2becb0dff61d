import { setTimeout as sleep } from 'node:timers/promises'
import { InvalidArgumentError, InvalidOptionError } from '../../../shared/errors.ts'
import { checkOptions, option } from '../../../shared/options.ts'
import { JobBackendError } from '../../job-errors.ts'
import type {
  AddedTask,
  BatchRow,
  CancelledBatch,
  CancelledTask,
  DeadFilter,
  JobBackend,
  MaybePromise,
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
import { type OpenOptions, openDatabase } from './open-database.ts'
import { SqliteBatches } from './sqlite-batches.ts'
import { backendError, isBusy, type SqliteDatabase, Statements } from './sqlite-database.ts'
import { SqliteQueues, SqliteRetention } from './sqlite-queues.ts'
import { SqliteTasks } from './sqlite-tasks.ts'
import { DataVersionWatch, SqliteWriter } from './sqlite-writer.ts'

export interface SqliteJobOptions {
  /**
   * Durability of a commit. `NORMAL`: no accepted data is lost if a process dies; if the machine loses power,
   * the last commits can be. `FULL`: each commit waits for the disk, and nothing is lost in that case either.
   * Applies to a file; a database that you pass keeps its setting.
   * @defaultValue 'NORMAL'
   */
  readonly synchronous?: 'NORMAL' | 'FULL'
  /**
   * Milliseconds that a call waits for the locks of others before it fails. The event loop continues
   * meanwhile. Minimum: `0`.
   * @defaultValue 5000
   */
  readonly lockTimeoutMs?: number
}

/**
 * Keeps tasks in an SQLite file, through `better-sqlite3`, which the app installs: an embedded app loses
 * nothing when its process is killed. Several processes of one machine may work on the same file. It must be
 * on a local disk: the locks of SQLite do not hold on network file systems.
 *
 * @param file - A path, opened in WAL mode and made if there is none; or a database of `better-sqlite3` that
 *   the app has open: it keeps its settings, should be in WAL mode, and is not closed. Its tables are those
 *   that begin with `sluice_`.
 * @throws InvalidArgumentError; InvalidOptionError. The first call that uses the file throws a
 *   JobBackendError if something is wrong with it, and a MissingPackageError without `better-sqlite3`.
 *
 * @example
 * ```ts
 * import { AsyncBatchProcessingEngine } from '@sluice/core'
 * import { sqliteJobBackend } from '@sluice/core/jobs-sqlite'
 *
 * const jobs = new AsyncBatchProcessingEngine({ backend: sqliteJobBackend('data/jobs.db') })
 * ```
 */
export function sqliteJobBackend(file: string | SqliteDatabase, options: SqliteJobOptions = {}): JobBackend {
  checkOptions(options, { synchronous: option.oneOf('NORMAL', 'FULL'), lockTimeoutMs: option.number(0) })
  if (typeof file === 'string') {
    if (file === '' || file.startsWith(':memory:'))
      throw new InvalidArgumentError(
        'file',
        'the path of a file (for tasks in memory, use memoryJobBackend())',
        file,
      )
  } else {
    if (typeof (file as SqliteDatabase | null | undefined)?.prepare !== 'function')
      throw new InvalidArgumentError('file', 'a path or a better-sqlite3 database', file)
    if (file.memory)
      throw new InvalidArgumentError(
        'file',
        'a database in a file (for tasks in memory, use memoryJobBackend())',
        file.name,
      )
    if (options.synchronous !== undefined)
      throw new InvalidOptionError(
        'synchronous',
        'no value together with an open database, which has its own setting',
        options.synchronous,
      )
  }
  return new SqliteBackend(file, {
    synchronous: options.synchronous ?? 'NORMAL',
    lockTimeoutMs: options.lockTimeoutMs ?? 5_000,
  })
}

const NONE: readonly never[] = []
const NOTHING: StepResult = { claims: NONE, lost: NONE, batches: NONE }
/** Parts of a batch that are cancelled in one transaction: others get their turn between two. */
const SLICE = 500
const PAUSE_MS = 5

/** State while the file is open. */
interface Opened {
  readonly database: SqliteDatabase
  readonly statements: Statements
  readonly writer: SqliteWriter
  readonly queues: SqliteQueues
  readonly batches: SqliteBatches
  readonly tasks: SqliteTasks
  readonly retention: SqliteRetention
  readonly watch: DataVersionWatch
}

/**
 * Stores tasks in an SQLite file. Reads return immediately; writes, with the commit of their event-loop tick.
 */
class SqliteBackend implements JobBackend {
  readonly name = 'sqlite'
  readonly isDurable = true
  readonly isShared = true
  readonly hasTransactions = false
  readonly #listeners = new Set<(hint: WakeHint) => void>()
  readonly #owners = new Set<string>()
  #opening: Promise<void> | undefined
  #opened: Opened | undefined

  constructor(
    private readonly file: string | SqliteDatabase,
    private readonly options: OpenOptions,
  ) {}

  async open(): Promise<void> {
    this.#opening ??= this.#open()
    try {
      await this.#opening
    } finally {
      if (this.#opened === undefined) this.#opening = undefined
    }
  }

  async add(tasks: readonly NewTask[]): Promise<readonly AddedTask[]> {
    const { writer, tasks: stored } = this.#get()
    const added = await writer.write(() => tasks.map((task) => stored.add(task)))
    for (const queue of new Set(tasks.map((task) => task.queue))) this.#wake({ queue })
    return added
  }

  step(
    queue: string,
    outcomes: readonly TaskOutcome[],
    want: number,
    owner: string,
    leaseMs: number,
  ): MaybePromise<StepResult> {
    const { writer, watch } = this.#get()
    this.#owners.add(owner)
    watch.keep()
    // To look takes no lock, and there is nothing most of the time.
    if (outcomes.length > 0) return writer.write(() => this.#step(queue, outcomes, want, owner, leaseMs))
    const step = (idle: StepResult | undefined) =>
      idle ?? writer.write(() => this.#step(queue, NONE, want, owner, leaseMs))
    const idle = this.#read(() => this.#idle(queue, owner))
    return idle instanceof Promise ? idle.then(step) : step(idle)
  }

  renew(claims: readonly TaskClaim[], owner: string, leaseMs: number): Promise<RenewedClaims> {
    const { writer, watch, tasks } = this.#get()
    this.#owners.add(owner)
    watch.keep()
    return writer.write(() => tasks.renew(claims, Date.now() + leaseMs))
  }

  async cancel(id: string, at: number): Promise<CancelledTask | undefined> {
    const { writer, tasks } = this.#get()
    const cancelled = await writer.write(() => tasks.cancel(id, at))
    if (cancelled?.was === 'running') this.#wake({ cancel: id })
    return cancelled
  }

  async replay(id: string): Promise<boolean> {
    const { writer, tasks } = this.#get()
    const queue = await writer.write(() => tasks.replay(id))
    if (queue !== undefined) this.#wake({ queue })
    return queue !== undefined
  }

  async purge(filter: DeadFilter): Promise<number> {
    const { writer, retention } = this.#get()
    for (let total = 0; ; ) {
      const { purged, isMore } = await writer.write(() => retention.purge(filter))
      total += purged
      if (!isMore) return total
    }
  }

  async pause(queue: string, isPaused: boolean): Promise<void> {
    const { writer, queues } = this.#get()
    await writer.write(() => queues.pause(queue, isPaused))
    if (!isPaused) this.#wake({ queue })
  }

  openBatch(batch: NewBatch): Promise<void> {
    const { writer, batches } = this.#get()
    return writer.write(() => batches.open(batch))
  }

  sealBatch(id: string, chunks: number, totalItems: number, at: number): Promise<readonly BatchRow[]> {
    const { writer, batches } = this.#get()
    return writer.write(() => batches.seal(id, chunks, totalItems, at))
  }

  batch(id: string): MaybePromise<BatchRow | undefined> {
    return this.#read(({ batches }) => batches.get(id))
  }

  async cancelBatch(id: string, at: number): Promise<CancelledBatch> {
    const { writer, batches, tasks } = this.#get()
    // From here on, none of its parts is put back.
    if (!(await writer.write(() => batches.cancel(id)))) return { isFound: false, batches: NONE }
    const ended: BatchRow[] = []
    for (let after: number | undefined = 0; after !== undefined; ) {
      const from: number = after
      const slice = await writer.write(() => tasks.cancelSome(id, from, SLICE, at))
      ended.push(...slice.batches)
      after = slice.after
    }
    for (const running of await writer.write(() => tasks.stopRunning(id))) this.#wake({ cancel: running })
    return { isFound: true, batches: ended }
  }

  batchNotified(id: string): Promise<void> {
    const { writer, batches } = this.#get()
    return writer.write(() => batches.notified(id))
  }

  unnotifiedBatches(before: number): MaybePromise<readonly BatchRow[]> {
    return this.#read(({ batches }) => batches.unnotified(before))
  }

  get(id: string): MaybePromise<TaskRecord | undefined> {
    return this.#read(({ tasks }) => tasks.get(id))
  }

  list(filter: TaskFilter, { offset, limit }: Required<PageRange>): MaybePromise<readonly TaskRecord[]> {
    return this.#read(({ tasks }) => tasks.list(filter, offset, limit))
  }

  counts(queue: string): MaybePromise<QueueCounts> {
    return this.#read(({ queues }) => queues.counts(queue))
  }

  takeSlot(key: string, at: number, expiresAt: number): Promise<boolean> {
    const { writer, statements } = this.#get()
    return writer.write(() => {
      statements.run('DELETE FROM sluice_slots WHERE expires_at <= ?', at)
      return (
        statements.run(
          'INSERT INTO sluice_slots (key, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING',
          key,
          expiresAt,
        ) > 0
      )
    })
  }

  async tidy(limits: RetentionLimits, at: number): Promise<void> {
    const { writer, retention } = this.#get()
    if (!(await this.#read(() => retention.isDue(limits, at)))) return
    while (await writer.write(() => retention.tidy(limits, at)));
  }

  onWake(listener: (hint: WakeHint) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => {})
    const opened = this.#opened
    if (opened === undefined) return
    await opened.writer.close()
    opened.watch.stop()
    this.#opened = undefined
    this.#opening = undefined
    if (typeof this.file === 'string') opened.database.close()
  }

  async #open(): Promise<void> {
    const database = await openDatabase(this.file, this.options)
    const statements = new Statements(database)
    const queues = new SqliteQueues(statements)
    const batches = new SqliteBatches(statements)
    const isForeign = typeof this.file !== 'string'
    this.#opened = {
      database,
      statements,
      queues,
      batches,
      writer: new SqliteWriter(database, this.options.lockTimeoutMs, isForeign, () => queues.forget()),
      tasks: new SqliteTasks(statements, queues, batches),
      retention: new SqliteRetention(statements, queues, batches),
      watch: new DataVersionWatch(database, () => this.#changed()),
    }
  }

  #get(): Opened {
    if (this.#opened !== undefined) return this.#opened
    const name = typeof this.file === 'string' ? this.file : this.file.name
    throw new JobBackendError(`The SQLite file "${name}" is not open.`)
  }

  /** Reads synchronously; while the file is being recovered, asynchronously. */
  #read<T>(run: (opened: Opened) => T): MaybePromise<T> {
    const opened = this.#get()
    try {
      return run(opened)
    } catch (error) {
      if (!isBusy(error)) throw backendError(opened.database.name, error)
    }
    return this.#readLater(run, performance.now() + this.options.lockTimeoutMs)
  }

  async #readLater<T>(run: (opened: Opened) => T, until: number): Promise<T> {
    for (;;) {
      await sleep(PAUSE_MS)
      const opened = this.#get()
      try {
        return run(opened)
      } catch (error) {
        if (!isBusy(error) || performance.now() > until) throw backendError(opened.database.name, error)
      }
    }
  }

  /** The result of a step with no work to do; `undefined` if there is some. */
  #idle(name: string, owner: string): StepResult | undefined {
    const { queues, tasks } = this.#get()
    const queue = queues.find(name)
    if (queue === undefined) return NOTHING
    const now = Date.now()
    if (tasks.isLost(owner, now)) return undefined
    if (queues.isPaused(queue)) return NOTHING
    if (tasks.isReady(queue, now)) return undefined
    const nextAt = tasks.nextAt(queue)
    return nextAt === undefined ? NOTHING : { ...NOTHING, nextAt }
  }

  #step(
    name: string,
    outcomes: readonly TaskOutcome[],
    want: number,
    owner: string,
    leaseMs: number,
  ): StepResult {
    const { queues, tasks } = this.#get()
    const lost: TaskClaim[] = []
    const batches: BatchRow[] = []
    for (const outcome of outcomes) {
      const ended = tasks.settle(outcome)
      if (ended === undefined) lost.push(outcome.claim)
      else batches.push(...ended)
    }
    const queue = queues.find(name)
    if (queue === undefined || want === 0) return { claims: NONE, lost, batches }
    const now = Date.now()
    batches.push(...tasks.recover(owner, now))
    if (queues.isPaused(queue)) return { claims: NONE, lost, batches }
    tasks.promote(queue, now)
    const claims = tasks.claim(queue, name, want, owner, now, leaseMs)
    const nextAt = claims.length < want ? tasks.nextAt(queue) : undefined
    return { claims, lost, batches, ...(nextAt === undefined ? {} : { nextAt }) }
  }

  /** Other processes have done something. */
  #changed(): void {
    try {
      const { tasks } = this.#get()
      for (const owner of this.#owners) for (const id of tasks.toStop(owner)) this.#wake({ cancel: id })
    } catch {
      // This is a hint: the next lease renewal reports it, too.
    }
    this.#wake({})
  }

  #wake(hint: WakeHint): void {
    for (const listener of this.#listeners) listener(hint)
  }
}
