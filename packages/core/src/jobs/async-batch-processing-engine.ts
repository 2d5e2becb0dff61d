import { randomUUID } from 'node:crypto'
import { type Clock, systemClock } from '../shared/clock.ts'
import { Emitter } from '../shared/emitter.ts'
import { InvalidArgumentError, SluiceError } from '../shared/errors.ts'
import { option } from '../shared/options.ts'
import type { RandomSource } from '../shared/random.ts'
import { Periodic } from '../shared/timers.ts'
import { type AuditEntry, AuditLog } from './access/audit-log.ts'
import { Gate } from './access/authorize.ts'
import type { Added, JobBackend, Level, MaybePromise, NewTask, Range, TaskFilter } from './backends/job-backend.ts'
import { MemoryBackend } from './backends/memory/memory-backend.ts'
import type { BatchJob, ProgressDetails } from './batch/batch-job.ts'
import { Batches } from './batch/batches.ts'
import { checkItems } from './batch/create-batch.ts'
import { NoProcessorError } from './job-errors.ts'
import type { JobEvents } from './job-events.ts'
import {
  type ActorOptions,
  type BatchJobOptions,
  checkBatchJobOptions,
  checkEnqueueOptions,
  type DrainOptions,
  type EnqueueOptions,
  type JobsOptions,
  type QueueOptions,
  type ResolvedJobsOptions,
  resolveJobsOptions,
} from './job-options.ts'
import { toPayload } from './payload.ts'
import type { Processor, ProcessorOptions } from './processor.ts'
import { type QueueState, Queues, type TaskQueue } from './queues.ts'
import { type Schedule, type ScheduleOptions, Schedules } from './schedule/schedules.ts'
import { closeOnSignals } from './shutdown.ts'
import { HealthWatch } from './stats/health-watch.ts'
import { COUNTED_FOR_HEALTH, healthOf, type ProcessingStats, processingStats, type QueueHealth } from './stats/queue-health.ts'
import type { DeadLetter, Task, TaskPriority } from './task.ts'
import { deadLetterView, newTaskView, settledTaskView, TaskFactory, taskView } from './task-factory.ts'
import { uuidV7 } from './uuid-v7.ts'
import { type Assigned, QueueRunner } from './worker/queue-runner.ts'
import { TaskReports } from './worker/task-reports.ts'
import type { RunParts } from './worker/task-run.ts'
import { WorkerPool } from './worker/worker-pool.ts'

/** What a Sluice joins its engine with. */
export interface JobsEngineParts {
  readonly clock?: Clock
  readonly random?: RandomSource
  readonly onError?: (error: unknown) => void
  /** Runs a task in a scope of its own. */
  readonly scoped?: RunParts['scoped']
}

const TIDY_MS = 30_000
const HEALTH_MS = 5_000
const SLOT_MS = 3_600_000
const DRAIN_MS = 30_000
const MAX_LIMIT = 10_000

/**
 * Work that is done beside requests: tasks with priorities, retries and a time-out, in queues; many items cut into tasks, as batches; and what failed for good,
 * kept to be looked at and tried again. One API, whether tasks are kept in the process, in a file, in Redis, or in the app's own database.
 *
 * Delivery is at least once: a worker that dies with a task has it run again. A processor that must not do a thing twice goes by `context.taskId`.
 *
 * @example
 * ```ts
 * const jobs = new AsyncBatchProcessingEngine()
 * jobs.registerProcessor('mail', async (mail: { to: string }, { signal }) => {
 *   await fetch('https://mail.example/send', { method: 'POST', body: JSON.stringify(mail), signal })
 * })
 * jobs.start()
 * await jobs.enqueueTask({ to: 'a@example.com' }, 'high', 'mail', { timeoutMs: 10_000 })
 * ```
 */
export class AsyncBatchProcessingEngine {
  readonly #options: ResolvedJobsOptions
  readonly #backend: JobBackend
  readonly #clock: Clock
  readonly #random: RandomSource
  readonly #scoped: RunParts['scoped']
  readonly #events: Emitter<JobEvents>
  readonly #owner = randomUUID()
  readonly #queues: Queues
  readonly #factory: TaskFactory
  readonly #gate: Gate
  readonly #auditLog = new AuditLog()
  readonly #isAudited: boolean
  readonly #pool: WorkerPool
  readonly #schedules: Schedules
  readonly #batches: Batches
  readonly #reports: TaskReports
  readonly #callbacks = new Map<string, Processor>()
  /** Processors that hold something. */
  readonly #closing = new Set<Processor>()
  readonly #tidying: Periodic
  readonly #watching: Periodic
  readonly #health: HealthWatch
  /** `undefined`: not yet; `true`: it is. */
  #opened: Promise<void> | true | undefined
  #startsAll = false
  #isClosed = false

  /** @throws InvalidOptionError. */
  constructor(options?: JobsOptions)
  /**
   * @param parts - What a Sluice hands over, and tests; apps leave it out.
   * @internal
   */
  constructor(options?: JobsOptions, parts?: JobsEngineParts)
  constructor(options: JobsOptions = {}, parts: JobsEngineParts = {}) {
    this.#options = resolveJobsOptions(options)
    this.#backend = options.backend ?? new MemoryBackend()
    this.#clock = parts.clock ?? systemClock
    this.#random = parts.random ?? Math.random
    this.#scoped = parts.scoped
    this.#events = new Emitter(parts.onError ?? (() => {}))
    this.#queues = new Queues(this.#clock)
    this.#factory = new TaskFactory(this.#options)
    this.#isAudited = options.authorize !== undefined || options.audit !== undefined
    this.#gate = new Gate(options.authorize, this.#recorder(options.audit), () => this.#clock.wall())
    const onError = (error: unknown) => this.#events.emit('error', { error })
    const { leaseMs } = this.#options
    this.#pool = new WorkerPool({ backend: this.#backend, owner: this.#owner, leaseMs, onError })
    this.#schedules = new Schedules(() => this.#clock.wall())
    this.#batches = new Batches(this.#backend, this.#clock, this.#events)
    this.#reports = new TaskReports(this.#events, this.#batches, this.#callbacks)
    this.#health = new HealthWatch(
      (queue) => this.getQueueHealth(queue),
      (queue, health) => this.#events.emit('queue:health', { queue, health }),
    )
    this.#tidying = new Periodic(TIDY_MS, () => this.#tidy())
    this.#watching = new Periodic(HEALTH_MS, () => this.#watch())
  }

  /** Listens to an event; returns the function that stops it. */
  on<K extends keyof JobEvents>(event: K, listener: (payload: JobEvents[K]) => void): () => void {
    return this.#events.on(event, listener)
  }

  /**
   * Creates a queue, or gives one that is there other settings. `default` is always there.
   *
   * @param maxConcurrency - Tasks that are run at once in this process.
   * @throws InvalidArgumentError; InvalidOptionError.
   */
  createQueue(name: string, maxConcurrency = 10, options: QueueOptions = {}): TaskQueue {
    return this.#queues.create(name, maxConcurrency, options)
  }

  /** Whether its backend was opened: by what is done with it first. */
  get isOpen(): boolean {
    return this.#opened === true && !this.#isClosed
  }

  /** Whether its tasks are kept where other processes have them, too; those in memory are this process's own. */
  get isShared(): boolean {
    return !(this.#backend instanceof MemoryBackend)
  }

  /** The queues that this process knows. */
  getQueues(): readonly TaskQueue[] {
    return this.#queues.all.map(({ name, maxConcurrency }) => ({ name, maxConcurrency }))
  }

  /** Whether this process has registered what runs the tasks of a queue, or the parts of the batches of that name. */
  hasProcessor(queueOrJobName: string): boolean {
    return this.#queues.all.some(({ name, processor }) => name === queueOrJobName && processor !== undefined)
  }

  /**
   * Adds a task to a queue.
   *
   * @param data - Given to the queue's processor as JSON has it: a `Date` becomes a text.
   * @returns The task; with a `uniqueKey`, the one that is there already, if there is.
   * @throws InvalidPayloadError, UnknownQueueError, InvalidArgumentError, InvalidOptionError, NotAuthorizedError; JobBackendError.
   */
  enqueueTask<T = unknown>(data: T, priority: TaskPriority = 'normal', queue = 'default', options?: EnqueueOptions): Promise<Task<T>> {
    // No `async`: where nothing is waited for, it costs as much as the rest.
    try {
      const task = this.#enqueue(data, priority, queue, options)
      return task instanceof Promise ? task : Promise.resolve(task)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #enqueue<T>(data: T, priority: TaskPriority, queue: string, options: EnqueueOptions | undefined): MaybePromise<Task<T>> {
    this.#assertOpen()
    const level = this.#factory.level(priority)
    this.#queues.get(queue)
    if (options !== undefined) checkEnqueueOptions(options)
    const payload = toPayload(data, this.#options.maxPayloadBytes)
    if (options?.transaction !== undefined && !this.#backend.hasTransactions)
      throw new InvalidArgumentError('options.transaction', `none with the backend "${this.#backend.name}"`, options.transaction)
    const ready = this.#readyFor(queue, options)
    if (ready === undefined) return this.#add(data, payload, level, queue, options)
    return ready.then(() => this.#add(data, payload, level, queue, options))
  }

  /** Once it may be added, and there is where; `undefined`: at once. */
  #readyFor(queue: string, options: EnqueueOptions | undefined): Promise<void> | undefined {
    if (!this.#isAudited && options?.actor === undefined && options?.runAs === undefined) return this.#open()
    const { runAs, actor = runAs } = options ?? {}
    return this.#gate.pass(actor, 'enqueue', { queue, ...(runAs === undefined ? {} : { runAs }) }).then(() => this.#open())
  }

  #add<T>(data: T, payload: string, level: Level, queue: string, options: EnqueueOptions | undefined): MaybePromise<Task<T>> {
    const task = this.#factory.task(queue, level, payload, this.#clock.wall(), options)
    const adding = this.#backend.add([task], options?.transaction)
    return adding instanceof Promise ? adding.then(([added]) => this.#added(data, task, added)) : this.#added(data, task, adding[0])
  }

  #added<T>(data: T, task: NewTask, added: Added | undefined): MaybePromise<Task<T>> {
    if (added?.isDuplicate === true) return this.#duplicate<T>(added.id, newTaskView(task, data))
    if (this.#events.has('task:queued')) this.#events.emit('task:queued', { taskId: task.id, queue: task.queue, batchId: undefined })
    return newTaskView(task, data)
  }

  /**
   * Cuts items into tasks, which the processor of this name runs. They are worked on while the rest is added.
   *
   * @param items - An array, or anything that can be gone through once: a million items from a cursor take the memory of some.
   * @param batchSize - Items in a task.
   * @throws As `enqueueTask`; what going through the items throws, and then the batch is cancelled.
   */
  async createBatchJob<T>(
    name: string,
    items: Iterable<T> | AsyncIterable<T>,
    batchSize = 100,
    options: BatchJobOptions = {},
  ): Promise<BatchJob<T>> {
    this.#assertOpen()
    const size = option.integer(1, 1_000_000)
    if (!size.accepts(batchSize)) throw new InvalidArgumentError('batchSize', size.expected, batchSize)
    checkItems(items)
    checkBatchJobOptions(options)
    const { priority = 'normal', maxFailedItems = 0, stopOnFailure = false, webhook = null, runAs, actor = runAs } = options
    const level = this.#factory.level(priority)
    const settings = this.#factory.settings(options)
    this.#queues.create(name)
    const id = uuidV7(this.#clock.wall())
    if (this.#isAudited || actor !== undefined)
      await this.#gate.pass(actor, 'enqueue', { queue: name, batchId: id, ...(runAs === undefined ? {} : { runAs }) })
    await this.#open()
    const batch = { id, name, batchSize, createdAt: this.#clock.wall(), maxFailedItems, stopsOnFailure: stopOnFailure, webhook }
    return await this.#batches.create(batch, items, {
      factory: this.#factory,
      level,
      settings,
      maxPayloadBytes: this.#options.maxPayloadBytes,
    })
  }

  /**
   * Says what runs the tasks of a queue, or the parts of the batches of that name, in this process. Another one takes its place.
   *
   * @throws InvalidArgumentError; InvalidOptionError.
   */
  registerProcessor<T = never>(queueOrJobName: string, processor: Processor<T>, options: ProcessorOptions = {}): void {
    this.#assertOpen()
    this.#queues.setProcessor(queueOrJobName, processor, options)
    if (processor.close !== undefined) this.#closing.add(processor)
    if (this.#startsAll) this.#startQueue(queueOrJobName)
  }

  /**
   * Says what runs one task, if this process is the one that runs it: in place of the queue's processor.
   *
   * @throws InvalidArgumentError.
   */
  registerProcessingCallback<T = never>(taskId: string, processor: Processor<T>): void {
    if (typeof taskId !== 'string' || taskId === '') throw new InvalidArgumentError('taskId', 'the id of a task', taskId)
    if (typeof processor !== 'function') throw new InvalidArgumentError('processor', 'a function', processor)
    this.#callbacks.set(taskId, processor)
    if (this.#startsAll) for (const { name } of this.#queues.all) this.#startQueue(name)
  }

  /**
   * Runs one attempt of the next task in a queue. Use it in tests, or if you drive the queue yourself.
   *
   * @returns The task after the attempt; `null` if no task can run.
   * @throws UnknownQueueError; NoProcessorError, if tasks wait and this process has no processor for them; JobBackendError.
   */
  async processNextTask(queue = 'default'): Promise<Task | null> {
    this.#assertOpen()
    const { processor } = this.#queues.get(queue)
    await this.#open()
    if (processor === undefined && this.#callbacks.size === 0) {
      const { pending, queued, retry } = await this.#backend.counts(queue, 1)
      if (pending + queued + retry > 0) throw new NoProcessorError(queue)
      return null
    }
    this.#pool.keepLeases()
    const outcome = await this.#runner(queue).one()
    return outcome === undefined ? null : settledTaskView(outcome)
  }

  /**
   * Starts running tasks: of one queue, or of all that have a processor, now or later. It keeps the process until `drain` or `close`.
   *
   * @throws UnknownQueueError; NoProcessorError for a queue without one.
   */
  start(queue?: string): void {
    this.#assertOpen()
    if (queue !== undefined && this.#queues.get(queue).processor === undefined && this.#callbacks.size === 0)
      throw new NoProcessorError(queue)
    if (queue === undefined) this.#startsAll = true
    for (const name of queue === undefined ? this.#queues.all.map((one) => one.name) : [queue]) this.#startQueue(name)
    this.#watching.start()
  }

  /** Hands out no more tasks of a queue, or of all, to anybody; what runs goes on. @throws UnknownQueueError; JobBackendError. */
  async pause(queue?: string): Promise<void> {
    await this.#setPaused(queue, true)
  }

  /** @throws UnknownQueueError; JobBackendError. */
  async resume(queue?: string): Promise<void> {
    await this.#setPaused(queue, false)
  }

  /**
   * Takes nothing more, and waits for what runs. What has not ended in time is told to stop and given back: it is run again, and nothing has failed by that.
   *
   * @returns How many tasks were given back.
   */
  async drain({ timeoutMs = DRAIN_MS }: DrainOptions = {}): Promise<{ readonly released: number }> {
    this.#startsAll = false
    this.#watching.stop()
    return { released: await this.#pool.drain(timeoutMs) }
  }

  /** Stops everything; what runs is told to stop, and given back. A second call does nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#schedules.close()
    this.#tidying.stop()
    await this.drain({ timeoutMs: 0 })
    this.#pool.close()
    this.#batches.close()
    for (const processor of this.#closing) await this.#closeProcessor(processor)
    if (this.#opened !== undefined) await this.#backend.close()
    this.#events.clear()
    this.#callbacks.clear()
  }

  /**
   * Drains and closes when the process is told to end, and then lets it end as it would have.
   *
   * @returns The function that takes it back.
   */
  closeOnSignal(signals: readonly NodeJS.Signals[] = ['SIGTERM'], { timeoutMs = DRAIN_MS }: DrainOptions = {}): () => void {
    return closeOnSignals(signals, async () => {
      await this.drain({ timeoutMs })
      await this.close()
    })
  }

  /**
   * Enqueues a task at the times of a cron pattern: `0 3 * * *`, with seconds one field more. Of several processes with the same schedule and a common backend, one
   * does it each time. Times at which no process runs are left out. Another schedule of that name takes its place.
   *
   * @throws InvalidArgumentError for a pattern or time zone that is none; as `enqueueTask`.
   */
  async schedule<T = unknown>(
    name: string,
    pattern: string,
    data: T,
    options: EnqueueOptions & ScheduleOptions & { readonly queue?: string; readonly priority?: TaskPriority } = {},
  ): Promise<Schedule> {
    this.#assertOpen()
    const { queue = 'default', priority = 'normal', timezone, ...rest } = options
    this.#queues.get(queue)
    this.#factory.level(priority)
    checkEnqueueOptions(rest)
    toPayload(data, this.#options.maxPayloadBytes)
    return await this.#schedules.add(name, pattern, timezone === undefined ? {} : { timezone }, (at) => {
      this.#fire(`${name}@${at}`, at, () => this.enqueueTask(data, priority, queue, rest)).catch((error) =>
        this.#events.emit('error', { error }),
      )
    })
  }

  /** @returns `undefined` when there is none, or it is over and not kept. */
  async getTask(taskId: string): Promise<Task | undefined> {
    await this.#open()
    const record = await this.#backend.get(taskId)
    return record && taskView(record)
  }

  /** @throws InvalidArgumentError when there is no such batch. */
  async getBatchProgress(batchId: string): Promise<ProgressDetails> {
    await this.#open()
    return await this.#batches.progress(batchId)
  }

  /** The batch as it is kept, without its items. @throws InvalidArgumentError when there is no such batch. */
  async getBatchJob(batchId: string): Promise<BatchJob> {
    await this.#open()
    return await this.#batches.get(batchId)
  }

  /**
   * Items of a batch, in order, by its parts: of a part that was tried again, those that were left.
   *
   * @param range - In parts.
   * @throws InvalidArgumentError when there is no such batch.
   */
  async getBatchItems<T = unknown>(batchId: string, range: Range = {}): Promise<readonly T[]> {
    await this.#open()
    await this.#batches.get(batchId)
    const records = await this.#backend.list({ batchId }, rangeOf(range))
    return records.flatMap(({ data }) => JSON.parse(data) as readonly T[])
  }

  /** What a queue has to do and has done. @throws UnknownQueueError; JobBackendError. */
  async getProcessingStats(queue = 'default'): Promise<ProcessingStats> {
    return await this.#statsOf(queue)
  }

  /** @throws UnknownQueueError. */
  async getQueueHealth(queue = 'default'): Promise<QueueHealth> {
    this.#queues.get(queue)
    try {
      return healthOf(await this.#statsOf(queue, COUNTED_FOR_HEALTH), this.#pool.get(queue)?.isActive === true)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      return { health: 'unhealthy', reasons: [`Its backend does not answer: ${reason}`] }
    }
  }

  /** Tasks that failed for good, in the order in which they were made. @throws UnknownQueueError; JobBackendError. */
  async listDeadLetters(filter: Pick<TaskFilter, 'queue' | 'batchId'> & Range = {}): Promise<readonly DeadLetter[]> {
    const { offset, limit, ...rest } = filter
    if (rest.queue !== undefined) this.#queues.get(rest.queue)
    await this.#open()
    const range = rangeOf({ ...(offset === undefined ? {} : { offset }), ...(limit === undefined ? {} : { limit }) })
    return (await this.#backend.list({ ...rest, status: 'dead' }, range)).map(deadLetterView)
  }

  /**
   * Makes a dead letter a task again, with all its attempts.
   *
   * @returns Whether there was one.
   * @throws NotAuthorizedError; JobBackendError.
   */
  async retryDeadLetterTask(taskId: string, { actor }: ActorOptions = {}): Promise<boolean> {
    await this.#open()
    await this.#gate.pass(actor, 'retry', { taskId })
    return await this.#backend.replay(taskId)
  }

  /**
   * Forgets dead letters.
   *
   * @param filter - `before`: that failed before then, in milliseconds since 1970.
   * @returns How many.
   * @throws UnknownQueueError; NotAuthorizedError; JobBackendError.
   */
  async purgeDeadLetters(
    filter: { readonly queue?: string; readonly taskId?: string; readonly before?: number } = {},
    { actor }: ActorOptions = {},
  ): Promise<number> {
    const { queue, taskId, before } = filter
    if (queue !== undefined) this.#queues.get(queue)
    await this.#open()
    await this.#gate.pass(actor, 'purge', { ...(queue === undefined ? {} : { queue }), ...(taskId === undefined ? {} : { taskId }) })
    const given = { ...(queue === undefined ? {} : { queue }), ...(taskId === undefined ? {} : { id: taskId }) }
    return await this.#backend.purge(before === undefined ? given : { ...given, before })
  }

  /**
   * Cancels a task: one that waits is over; one that runs, in whichever process, is told by its signal.
   *
   * @returns Whether there was one that was not over.
   * @throws NotAuthorizedError; JobBackendError.
   */
  async cancelTask(taskId: string, { actor }: ActorOptions = {}): Promise<boolean> {
    await this.#open()
    await this.#gate.pass(actor, 'cancel', { taskId })
    const cancelled = await this.#backend.cancel(taskId, this.#clock.wall())
    if (cancelled?.was === 'waiting') this.#callbacks.delete(taskId)
    for (const batch of cancelled?.batches ?? []) this.#batches.ended(batch)
    return cancelled !== undefined
  }

  /** The same for what is left of a batch. @returns Whether there was one that was not over. */
  async cancelBatchJob(batchId: string, { actor }: ActorOptions = {}): Promise<boolean> {
    await this.#open()
    await this.#gate.pass(actor, 'cancel', { batchId })
    return await this.#batches.cancel(batchId)
  }

  /** Who did what, the oldest first: the last thousand entries, where `audit` is not given. */
  getAuditLog(): readonly AuditEntry[] {
    return this.#auditLog.entries
  }

  async #closeProcessor(processor: Processor): Promise<void> {
    try {
      await processor.close?.()
    } catch (error) {
      this.#events.emit('error', { error })
    }
  }

  async #statsOf(queue: string, upTo?: number): Promise<ProcessingStats> {
    const { stats } = this.#queues.get(queue)
    await this.#open()
    return processingStats(queue, await this.#backend.counts(queue, upTo), stats, this.#clock.now(), this.#clock.wall())
  }

  async #duplicate<T>(id: string, made: Task<T>): Promise<Task<T>> {
    const record = await this.#backend.get(id)
    // It may be over by now.
    return { ...(record === undefined ? { ...made, id } : (taskView(record) as Task<T>)), isDuplicate: true }
  }

  async #fire(key: string, at: number, enqueue: () => Promise<unknown>): Promise<void> {
    await this.#open()
    if (await this.#backend.takeSlot(key, this.#clock.wall(), at + SLOT_MS)) await enqueue()
  }

  async #setPaused(queue: string | undefined, isPaused: boolean): Promise<void> {
    this.#assertOpen()
    const names = queue === undefined ? this.#queues.all.map(({ name }) => name) : [this.#queues.get(queue).name]
    await this.#open()
    for (const name of names) await this.#backend.pause(name, isPaused)
  }

  #open(): Promise<void> | undefined {
    if (this.#opened === true) return undefined
    if (this.#opened !== undefined) return this.#opened
    const opening = this.#backend.open()
    this.#tidying.start()
    if (!(opening instanceof Promise)) {
      this.#opened = true
      return undefined
    }
    this.#opened = opening.then(
      () => {
        this.#opened = true
        this.#batches.resume()
      },
      (error) => {
        this.#opened = undefined
        throw error
      },
    )
    return this.#opened
  }

  #startQueue(name: string): void {
    if (this.#queues.get(name).processor === undefined && this.#callbacks.size === 0) return
    const runner = this.#runner(name)
    const start = () => {
      if (!this.#isClosed) this.#pool.start(name)
      return runner
    }
    const opening = this.#open()
    if (opening === undefined) start()
    else {
      this.#pool.hold()
      opening.then(start, (error) => {
        this.#events.emit('error', { error })
        // It is tried again: what is there when an app starts may come a little later.
        setTimeout(() => !this.#isClosed && this.#pool.isStarted && this.#startQueue(name), 1_000)
      })
    }
  }

  #runner(name: string): QueueRunner {
    const known = this.#pool.get(name)
    if (known !== undefined) return known
    const queue = this.#queues.get(name)
    const { leaseMs, pollMs, graceMs } = this.#options
    const runner = new QueueRunner({
      ...{ queue: name, backend: this.#backend, owner: this.#owner, leaseMs, pollMs, graceMs },
      ...{ clock: this.#clock, random: this.#random, stats: queue.stats, scoped: this.#scoped },
      keepsDead: () => queue.keepsDead,
      rate: () => queue.rate,
      concurrency: () => queue.maxConcurrency,
      assigned: (claim) => {
        const callback = this.#callbacks.get(claim.id)
        if (callback !== undefined) return { processor: callback, perItem: false }
        return queue.processor === undefined ? undefined : (queue as QueueState & Assigned)
      },
      events: this.#reports,
    })
    this.#pool.add(name, runner)
    return runner
  }

  #recorder(sink: JobsOptions['audit']): (entry: AuditEntry) => void {
    if (sink === undefined) return this.#auditLog.add
    return (entry) => {
      try {
        Promise.resolve(sink(entry)).catch((error) => this.#events.emit('error', { error }))
      } catch (error) {
        this.#events.emit('error', { error })
      }
    }
  }

  #tidy(): boolean {
    const tidied = async () => {
      const { maxDeadAgeMs, ...limits } = this.#options.retention
      const at = this.#clock.wall()
      await this.#backend.tidy(limits, at)
      if (maxDeadAgeMs !== undefined) await this.#backend.purge({ before: at - maxDeadAgeMs })
    }
    tidied().catch((error) => this.#events.emit('error', { error }))
    // Other processes may have ended meanwhile.
    if (this.#backend.isDurable) this.#batches.resume()
    return !this.#isClosed
  }

  #watch(): boolean {
    // It is an event that says so when a backend does not answer: `healthOf` does not reject.
    if (this.#events.has('queue:health')) for (const { name } of this.#queues.all) void this.#health.look(name)
    return !this.#isClosed
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new SluiceError('SLUICE_CLOSED', 'This job engine was closed.')
  }
}

function rangeOf({ offset = 0, limit = 100 }: Range): Required<Range> {
  const [from, count] = [option.integer(0), option.integer(1, MAX_LIMIT)]
  if (!from.accepts(offset)) throw new InvalidArgumentError('offset', from.expected, offset)
  if (!count.accepts(limit)) throw new InvalidArgumentError('limit', count.expected, limit)
  return { offset, limit }
}
