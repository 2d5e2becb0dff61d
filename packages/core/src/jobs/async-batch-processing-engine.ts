import { InvalidArgumentError } from '../shared/errors.ts'
import { checkArgument, option } from '../shared/options.ts'
import type { AuditEntry, JobAction, JobTarget } from './access.ts'
import type { PageRange, TaskFilter } from './backends/job-backend.ts'
import { MemoryBackend } from './backends/memory/memory-backend.ts'
import { JobContext, type JobsEngineHost } from './job-context.ts'
import type { JobEvents, QueueHealth } from './job-events.ts'
import type {
  ActorOptions,
  BatchJobOptions,
  DrainOptions,
  EnqueueOptions,
  JobsOptions,
  QueueOptions,
} from './job-options.ts'
import type { Processor, ProcessorOptions } from './processor.ts'
import { type ProcessingStats, QueueWatch } from './queue-health.ts'
import type { TaskQueue } from './queues.ts'
import { type Schedule, type ScheduleOptions, Schedules } from './schedules.ts'
import { closeOnSignals } from './shutdown.ts'
import { StoredTasks } from './stored-tasks.ts'
import type { BatchJob, DeadLetter, ProgressDetails, Task, TaskPriority } from './task.ts'
import { TaskEntry } from './task-entry.ts'
import { QueueWorkers } from './worker/queue-workers.ts'

const DRAIN_MS = 30_000

/**
 * Runs background jobs: tasks in queues, with priorities, retries and timeouts; batch jobs, which divide many
 * items into tasks; and a dead-letter queue, from which failed tasks can be inspected and retried. The API is
 * the same for all backends: memory, an SQLite file, Redis, or your PostgreSQL database.
 *
 * Delivery is at least once: if a worker dies while it runs a task, the task runs again. Use `context.taskId`
 * as the idempotency key in processors that must not repeat a side effect.
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
  readonly #context: JobContext
  readonly #entry: TaskEntry
  readonly #stored: StoredTasks
  readonly #workers: QueueWorkers
  readonly #schedules: Schedules
  readonly #health: QueueWatch

  /** @throws InvalidOptionError. */
  constructor(options?: JobsOptions)
  /**
   * @param host - Passed by a Sluice; apps omit it.
   * @internal
   */
  constructor(options?: JobsOptions, host?: JobsEngineHost)
  constructor(options: JobsOptions = {}, host: JobsEngineHost = {}) {
    const context = new JobContext(options, host)
    this.#context = context
    this.#entry = new TaskEntry(context)
    this.#stored = new StoredTasks(context)
    this.#workers = new QueueWorkers(context)
    this.#schedules = new Schedules(context, this.#entry)
    this.#health = new QueueWatch(context, (queue) => this.#workers.isActive(queue))
  }

  /** Listens to an event; returns the function that stops it. */
  on<K extends keyof JobEvents>(event: K, listener: (payload: JobEvents[K]) => void): () => void {
    return this.#context.events.on(event, listener)
  }

  /**
   * Creates a queue, or changes the settings of an existing one. The queue `default` always exists.
   *
   * @param maxConcurrency - Number of tasks that run concurrently in this process.
   * @throws InvalidArgumentError; InvalidOptionError; SluiceError `SLUICE_CLOSED`.
   */
  createQueue(name: string, maxConcurrency = 10, options: QueueOptions = {}): TaskQueue {
    this.#context.open.assertOpen()
    return this.#context.queues.create(name, maxConcurrency, options)
  }

  /**
   * Changes how many tasks of a queue run concurrently in this process, and none of its other settings.
   * Running tasks continue.
   *
   * @throws UnknownQueueError; InvalidArgumentError; SluiceError `SLUICE_CLOSED`.
   */
  setConcurrency(queue: string, maxConcurrency: number): void {
    this.#context.open.assertOpen()
    this.#context.queues.setConcurrency(queue, maxConcurrency)
  }

  /** Whether the backend is open. The first operation opens it. */
  get isOpen(): boolean {
    return this.#context.open.isOpen
  }

  /** Whether other processes use the same tasks. Tasks in memory belong to this process only. */
  get isShared(): boolean {
    return !(this.#context.open.backend instanceof MemoryBackend)
  }

  /** The queues that this process knows. */
  getQueues(): readonly TaskQueue[] {
    return this.#context.queues.all.map(({ name, maxConcurrency }) => ({ name, maxConcurrency }))
  }

  /**
   * Whether this process has registered what runs the tasks of a queue, or the parts of the batches of that
   * name.
   */
  hasProcessor(queueOrJobName: string): boolean {
    return this.#context.queues.find(queueOrJobName)?.processor !== undefined
  }

  /**
   * Adds a task to a queue.
   *
   * @param data - Passed to the queue's processor as JSON: a `Date` becomes a string.
   * @returns The task; with a `uniqueKey`, the existing task with this key, if there is one.
   * @throws InvalidPayloadError, UnknownQueueError, InvalidArgumentError, InvalidOptionError,
   * NotAuthorizedError; JobBackendError.
   */
  enqueueTask<T = unknown>(
    data: T,
    priority: TaskPriority = 'normal',
    queue = 'default',
    options?: EnqueueOptions,
  ): Promise<Task<T>> {
    // Not `async`: if there is nothing to await, that would cost as much as everything else here.
    try {
      const task = this.#entry.enqueue(data, priority, queue, options)
      return task instanceof Promise ? task : Promise.resolve(task)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Cuts items into tasks, which the processor of this name runs. They are worked on while the rest is added.
   *
   * @param items - An array, or anything that can be gone through once: a million items from a cursor take
   *   the memory of some.
   * @param batchSize - Items in a task.
   * @throws As `enqueueTask`; what going through the items throws, and then the batch is cancelled.
   */
  async createBatchJob<T>(
    name: string,
    items: Iterable<T> | AsyncIterable<T>,
    batchSize = 100,
    options: BatchJobOptions = {},
  ): Promise<BatchJob<T>> {
    return await this.#entry.createBatch(name, items, batchSize, options)
  }

  /**
   * Sets the processor for the tasks of a queue, or for the parts of batch jobs with this name, in this
   * process. Replaces an earlier processor.
   *
   * @throws InvalidArgumentError; InvalidOptionError.
   */
  registerProcessor<T = never>(
    queueOrJobName: string,
    processor: Processor<T>,
    options: ProcessorOptions = {},
  ): void {
    this.#context.open.assertOpen()
    this.#context.queues.setProcessor(queueOrJobName, processor, options)
    this.#workers.registered(queueOrJobName)
  }

  /**
   * Sets the processor for one task, if this process runs it. It replaces the queue's processor.
   *
   * @throws InvalidArgumentError; SluiceError `SLUICE_CLOSED`.
   */
  registerProcessingCallback<T = never>(taskId: string, processor: Processor<T>): void {
    if (typeof taskId !== 'string' || taskId === '')
      throw new InvalidArgumentError('taskId', 'the id of a task', taskId)
    checkArgument('processor', option.callback, processor)
    this.#context.open.assertOpen()
    this.#context.callbacks.set(taskId, processor)
    this.#workers.registered()
  }

  /**
   * Runs one attempt of the next task in a queue. Use it in tests, or if you drive the queue yourself.
   *
   * @returns The task after the attempt; `null` if no task can run.
   * @throws UnknownQueueError; NoProcessorError, if tasks wait and this process has no processor for them;
   *   JobBackendError.
   */
  async processNextTask(queue = 'default'): Promise<Task | null> {
    this.#context.open.assertOpen()
    return await this.#workers.next(queue)
  }

  /**
   * Starts running tasks: of one queue, or of all that have a processor, now or later. It keeps the process
   * until `drain` or `close`.
   *
   * @throws UnknownQueueError; NoProcessorError for a queue without one.
   */
  start(queue?: string): void {
    this.#context.open.assertOpen()
    this.#workers.start(queue)
    this.#health.start()
  }

  /**
   * Pauses a queue, or all queues: no worker receives another task of it. Running tasks continue.
   *
   * @throws UnknownQueueError; NotAuthorizedError; JobBackendError.
   */
  async pause(queue?: string, { actor }: ActorOptions = {}): Promise<void> {
    await this.#stored.setPaused(queue, true, actor)
  }

  /** @throws UnknownQueueError; NotAuthorizedError; JobBackendError. */
  async resume(queue?: string, { actor }: ActorOptions = {}): Promise<void> {
    await this.#stored.setPaused(queue, false, actor)
  }

  /**
   * Calls the `authorize` hook and writes the audit log, for an action that the caller performs itself, such
   * as one on a cache.
   *
   * @throws NotAuthorizedError; the error of the hook.
   */
  async authorize(actor: string | undefined, action: JobAction, target: JobTarget = {}): Promise<void> {
    await this.#context.gate.pass(actor, action, target)
  }

  /**
   * Claims no more tasks and waits for the running ones. After the timeout, tasks that still run are aborted
   * and released. They run again, which does not count as a failure.
   *
   * @returns The number of released tasks.
   */
  async drain({ timeoutMs = DRAIN_MS }: DrainOptions = {}): Promise<{ readonly released: number }> {
    this.#health.stop()
    return { released: await this.#workers.drain(timeoutMs) }
  }

  /** Stops all queues. Running tasks are aborted and released. A second call has no effect. */
  async close(): Promise<void> {
    if (!this.#context.open.refuse()) return
    this.#schedules.close()
    await this.drain({ timeoutMs: 0 })
    this.#workers.close()
    this.#context.batches.close()
    await this.#context.queues.close((error) => this.#context.events.emit('error', { error }))
    await this.#context.open.close()
    this.#context.events.clear()
    this.#context.callbacks.clear()
  }

  /**
   * Drains and closes when the process receives a signal; then the process ends as usual.
   *
   * @returns The function that takes it back.
   */
  closeOnSignal(
    signals: readonly NodeJS.Signals[] = ['SIGTERM'],
    { timeoutMs = DRAIN_MS }: DrainOptions = {},
  ): () => void {
    return closeOnSignals(signals, async () => {
      await this.drain({ timeoutMs })
      await this.close()
    })
  }

  /**
   * Enqueues a task at the times of a cron pattern, such as `0 3 * * *`; an additional first field contains
   * seconds. If several processes with a common backend have the same schedule, one of them enqueues the task
   * each time. Times at which no process runs are skipped. Replaces an earlier schedule of the same name.
   *
   * @throws InvalidArgumentError for an invalid pattern or time zone; otherwise like `enqueueTask`.
   */
  async schedule<T = unknown>(
    name: string,
    pattern: string,
    data: T,
    options: EnqueueOptions &
      ScheduleOptions & { readonly queue?: string; readonly priority?: TaskPriority } = {},
  ): Promise<Schedule> {
    return await this.#schedules.add(name, pattern, data, options)
  }

  /** @returns `undefined` if the task does not exist, or has ended and was not stored. */
  async getTask(taskId: string): Promise<Task | undefined> {
    return await this.#stored.get(taskId)
  }

  /** @throws InvalidArgumentError if the batch job does not exist. */
  async getBatchProgress(batchId: string): Promise<ProgressDetails> {
    await this.#context.open.open()
    return await this.#context.batches.progress(batchId)
  }

  /**
   * The stored batch job, without its items.
   *
   * @throws InvalidArgumentError if the batch job does not exist.
   */
  async getBatchJob(batchId: string): Promise<BatchJob> {
    await this.#context.open.open()
    return await this.#context.batches.get(batchId)
  }

  /**
   * Items of a batch, in order, by its parts: of a part that was tried again, those that were left.
   *
   * @param range - In parts.
   * @throws InvalidArgumentError if the batch job does not exist.
   */
  async getBatchItems<T = unknown>(batchId: string, range: PageRange = {}): Promise<readonly T[]> {
    return await this.#stored.itemsOf<T>(batchId, range)
  }

  /**
   * Statistics of a queue.
   *
   * @throws UnknownQueueError; JobBackendError.
   */
  async getProcessingStats(queue = 'default'): Promise<ProcessingStats> {
    return await this.#health.stats(queue)
  }

  /** @throws UnknownQueueError. */
  async getQueueHealth(queue = 'default'): Promise<QueueHealth> {
    return await this.#health.health(queue)
  }

  /**
   * Permanently failed tasks, in the order of their creation.
   *
   * @throws UnknownQueueError; JobBackendError.
   */
  async listDeadLetters(
    filter: Pick<TaskFilter, 'queue' | 'batchId'> & PageRange = {},
  ): Promise<readonly DeadLetter[]> {
    return await this.#stored.deadLetters(filter)
  }

  /**
   * Makes a dead letter a task again, with all its attempts.
   *
   * @returns Whether there was one.
   * @throws NotAuthorizedError; JobBackendError.
   */
  async retryDeadLetterTask(taskId: string, { actor }: ActorOptions = {}): Promise<boolean> {
    return await this.#stored.retry(taskId, actor)
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
    return await this.#stored.purge(filter, actor)
  }

  /**
   * Cancels a task. A waiting task ends; a running one, in any process, is aborted through its signal.
   *
   * @returns Whether the task existed and had not ended.
   * @throws NotAuthorizedError; JobBackendError.
   */
  async cancelTask(taskId: string, { actor }: ActorOptions = {}): Promise<boolean> {
    return await this.#stored.cancel(taskId, actor)
  }

  /**
   * Cancels the rest of a batch job, like `cancelTask`.
   *
   * @returns Whether it existed and had not ended.
   */
  async cancelBatchJob(batchId: string, { actor }: ActorOptions = {}): Promise<boolean> {
    return await this.#stored.cancelBatch(batchId, actor)
  }

  /**
   * Actions with their actors, the oldest first. Contains the last 1,000 entries, or none if `audit` is set.
   */
  getAuditLog(): readonly AuditEntry[] {
    return this.#context.gate.entries
  }
}
