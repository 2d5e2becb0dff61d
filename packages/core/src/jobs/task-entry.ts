import { InvalidArgumentError } from '../shared/errors.ts'
import { checkArgument, option } from '../shared/options.ts'
import { isInstance } from '../shared/thrown.ts'
import type { AddedTask, MaybePromise, NewTask, TaskLevel } from './backends/job-backend.ts'
import { checkItems } from './batch/batches.ts'
import type { JobContext } from './job-context.ts'
import { JobBackendError } from './job-errors.ts'
import {
  type BatchJobOptions,
  checkBatchJobOptions,
  checkEnqueueOptions,
  type EnqueueOptions,
} from './job-options.ts'
import { toPayload } from './payload.ts'
import type { BatchJob, Task, TaskPriority } from './task.ts'
import { newTaskView, TaskFactory, taskView } from './task-factory.ts'
import { uuidV7 } from './uuid-v7.ts'

/** How tasks and batches enter an engine: checked, authorized, and added to the backend. */
export class TaskEntry {
  readonly #factory: TaskFactory

  constructor(private readonly context: JobContext) {
    this.#factory = new TaskFactory(context.options)
  }

  /** @throws As `enqueueTask`, immediately or by its promise. */
  enqueue<T>(
    data: T,
    priority: TaskPriority,
    queue: string,
    options: EnqueueOptions | undefined,
  ): MaybePromise<Task<T>> {
    const { open, clock } = this.context
    open.assertOpen()
    const level = this.check(priority, queue, options)
    const payload = toPayload(data)
    if (options?.transaction !== undefined && !open.backend.hasTransactions)
      throw new InvalidArgumentError(
        'options.transaction',
        `no transaction with the backend "${open.backend.name}": use postgresJobBackend`,
        options.transaction,
      )
    const ready = this.#readyFor(queue, options)
    const add = () => {
      const task = this.#factory.task(queue, level, payload, clock.wall(), options)
      return this.#add(data, task, options?.transaction)
    }
    return ready === undefined ? add() : ready.then(add)
  }

  /** @throws UnknownQueueError; InvalidArgumentError; InvalidOptionError. */
  check(priority: TaskPriority, queue: string, options: EnqueueOptions | undefined): TaskLevel {
    const level = this.#factory.level(priority)
    this.context.queues.get(queue)
    if (options !== undefined) checkEnqueueOptions(options)
    return level
  }

  /** @throws As `createBatchJob`. */
  async createBatch<T>(
    name: string,
    items: Iterable<T> | AsyncIterable<T>,
    batchSize: number,
    options: BatchJobOptions,
  ): Promise<BatchJob<T>> {
    const { open, queues, batches, clock, gate } = this.context
    open.assertOpen()
    checkArgument('batchSize', option.integer(1, 1_000_000), batchSize)
    checkItems(items)
    checkBatchJobOptions(options)
    const {
      priority = 'normal',
      maxFailedItems = 0,
      stopOnFailure = false,
      webhook = null,
      runAs,
      actor = runAs,
    } = options
    const level = this.#factory.level(priority)
    const settings = this.#factory.settings(options)
    queues.create(name)
    const id = uuidV7(clock.wall())
    if (gate.isWatched || actor !== undefined)
      await gate.pass(actor, 'enqueue', {
        queue: name,
        batchId: id,
        ...(runAs === undefined ? {} : { runAs }),
      })
    await open.open()
    const batch = {
      id,
      name,
      batchSize,
      createdAt: clock.wall(),
      maxFailedItems,
      stopsOnFailure: stopOnFailure,
      webhook,
    }
    try {
      return await batches.create(batch, items, { factory: this.#factory, level, settings })
    } catch (error) {
      if (isInstance(error, JobBackendError)) queues.get(name).stats.backendFailed(clock.now(), error)
      throw error
    }
  }

  /** Settles once the actor may add it and the backend is open; `undefined`: immediately. */
  #readyFor(queue: string, options: EnqueueOptions | undefined): Promise<void> | undefined {
    const { gate, open } = this.context
    if (!gate.isWatched && options?.actor === undefined && options?.runAs === undefined) return open.open()
    const { runAs, actor = runAs } = options ?? {}
    return gate
      .pass(actor, 'enqueue', { queue, ...(runAs === undefined ? {} : { runAs }) })
      .then(() => open.open())
  }

  #add<T>(data: T, task: NewTask, transaction: unknown): MaybePromise<Task<T>> {
    const adding = this.context.open.backend.add([task], transaction)
    if (!(adding instanceof Promise)) return this.#added(data, task, adding[0])
    const { stats } = this.context.queues.get(task.queue)
    return adding.then(
      ([added]) => {
        stats.backendWorked()
        return this.#added(data, task, added)
      },
      (error) => {
        stats.backendFailed(this.context.clock.now(), error)
        throw error
      },
    )
  }

  #added<T>(data: T, task: NewTask, added: AddedTask | undefined): MaybePromise<Task<T>> {
    const { events } = this.context
    if (added?.isDuplicate === true) return this.#duplicate<T>(added.id, newTaskView(task, data))
    if (events.has('task:queued'))
      events.emit('task:queued', { taskId: task.id, queue: task.queue, batchId: undefined })
    return newTaskView(task, data)
  }

  async #duplicate<T>(id: string, added: Task<T>): Promise<Task<T>> {
    const record = await this.context.open.backend.get(id)
    // It may have ended by now.
    return { ...(record === undefined ? { ...added, id } : (taskView(record) as Task<T>)), isDuplicate: true }
  }
}
