import type { Clock } from '../shared/clock.ts'
import type { Emitter } from '../shared/emitter.ts'
import { InvalidArgumentError } from '../shared/errors.ts'
import { option } from '../shared/options.ts'
import { isInstance } from '../shared/thrown.ts'
import type { Gate } from './access.ts'
import type { AddedTask, MaybePromise, NewTask, TaskLevel } from './backends/job-backend.ts'
import { type Batches, checkItems } from './batch/batches.ts'
import { JobBackendError } from './job-errors.ts'
import type { JobEvents } from './job-events.ts'
import {
  type BatchJobOptions,
  checkBatchJobOptions,
  checkEnqueueOptions,
  type EnqueueOptions,
} from './job-options.ts'
import type { OpenBackend } from './open-backend.ts'
import { toPayload } from './payload.ts'
import type { Queues } from './queues/queues.ts'
import type { BatchJob, Task, TaskPriority } from './task.ts'
import { newTaskView, type TaskFactory, taskView } from './task-factory.ts'
import { uuidV7 } from './uuid-v7.ts'

export interface TaskEntryParts {
  readonly open: OpenBackend
  readonly queues: Queues
  readonly factory: TaskFactory
  readonly gate: Gate
  readonly batches: Batches
  readonly clock: Clock
  readonly events: Emitter<JobEvents>
}

/** How tasks and batches enter an engine: checked, authorized, and added to the backend. */
export class TaskEntry {
  constructor(private readonly parts: TaskEntryParts) {}

  /** @throws As `enqueueTask`, immediately or by its promise. */
  enqueue<T>(
    data: T,
    priority: TaskPriority,
    queue: string,
    options: EnqueueOptions | undefined,
  ): MaybePromise<Task<T>> {
    const { open, factory } = this.parts
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
    const add = () =>
      this.#add(
        data,
        factory.task(queue, level, payload, this.parts.clock.wall(), options),
        options?.transaction,
      )
    return ready === undefined ? add() : ready.then(add)
  }

  /** @throws UnknownQueueError; InvalidArgumentError; InvalidOptionError. */
  check(priority: TaskPriority, queue: string, options: EnqueueOptions | undefined): TaskLevel {
    const level = this.parts.factory.level(priority)
    this.parts.queues.get(queue)
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
    const { open, queues, factory, batches, clock, gate } = this.parts
    open.assertOpen()
    const size = option.integer(1, 1_000_000)
    if (!size.accepts(batchSize)) throw new InvalidArgumentError('batchSize', size.expected, batchSize)
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
    const level = factory.level(priority)
    const settings = factory.settings(options)
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
      return await batches.create(batch, items, { factory, level, settings })
    } catch (error) {
      if (isInstance(error, JobBackendError)) queues.get(name).stats.backendFailed(clock.now(), error)
      throw error
    }
  }

  /** Settles once the actor may add it and the backend is open; `undefined`: immediately. */
  #readyFor(queue: string, options: EnqueueOptions | undefined): Promise<void> | undefined {
    const { gate, open } = this.parts
    if (!gate.isWatched && options?.actor === undefined && options?.runAs === undefined) return open.open()
    const { runAs, actor = runAs } = options ?? {}
    return gate
      .pass(actor, 'enqueue', { queue, ...(runAs === undefined ? {} : { runAs }) })
      .then(() => open.open())
  }

  #add<T>(data: T, task: NewTask, transaction: unknown): MaybePromise<Task<T>> {
    const adding = this.parts.open.backend.add([task], transaction)
    if (!(adding instanceof Promise)) return this.#added(data, task, adding[0])
    const { stats } = this.parts.queues.get(task.queue)
    return adding.then(
      ([added]) => {
        stats.backendWorked()
        return this.#added(data, task, added)
      },
      (error) => {
        stats.backendFailed(this.parts.clock.now(), error)
        throw error
      },
    )
  }

  #added<T>(data: T, task: NewTask, added: AddedTask | undefined): MaybePromise<Task<T>> {
    const { events } = this.parts
    if (added?.isDuplicate === true) return this.#duplicate<T>(added.id, newTaskView(task, data))
    if (events.has('task:queued'))
      events.emit('task:queued', { taskId: task.id, queue: task.queue, batchId: undefined })
    return newTaskView(task, data)
  }

  async #duplicate<T>(id: string, made: Task<T>): Promise<Task<T>> {
    const record = await this.parts.open.backend.get(id)
    // It may have ended by now.
    return { ...(record === undefined ? { ...made, id } : (taskView(record) as Task<T>)), isDuplicate: true }
  }
}
