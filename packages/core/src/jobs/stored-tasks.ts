import { checkArgument, option } from '../shared/options.ts'
import type { PageRange, TaskFilter } from './backends/job-backend.ts'
import type { JobContext, OpenBackend } from './job-context.ts'
import type { DeadLetter, Task } from './task.ts'
import { deadLetterView, taskView } from './task-factory.ts'

const MAX_LIMIT = 10_000

/** Reads what a backend stores, and changes it for actors that may. */
export class StoredTasks {
  constructor(private readonly context: JobContext) {}

  async get(taskId: string): Promise<Task | undefined> {
    const backend = await this.#backend()
    const record = await backend.get(taskId)
    return record && taskView(record)
  }

  /** @throws InvalidArgumentError if the batch job does not exist. */
  async itemsOf<T>(batchId: string, range: PageRange): Promise<readonly T[]> {
    const backend = await this.#backend()
    await this.context.batches.get(batchId)
    const records = await backend.list({ batchId }, rangeOf(range))
    return records.flatMap(({ data }) => JSON.parse(data) as readonly T[])
  }

  /** @throws UnknownQueueError. */
  async deadLetters({
    offset,
    limit,
    ...filter
  }: Pick<TaskFilter, 'queue' | 'batchId'> & PageRange): Promise<readonly DeadLetter[]> {
    if (filter.queue !== undefined) this.context.queues.get(filter.queue)
    const backend = await this.#backend()
    const range = rangeOf({
      ...(offset === undefined ? {} : { offset }),
      ...(limit === undefined ? {} : { limit }),
    })
    return (await backend.list({ ...filter, status: 'dead' }, range)).map(deadLetterView)
  }

  /** @throws NotAuthorizedError. */
  async retry(taskId: string, actor: string | undefined): Promise<boolean> {
    const backend = await this.#backend()
    await this.context.gate.pass(actor, 'retry', { taskId })
    return await backend.replay(taskId)
  }

  /** @throws UnknownQueueError; NotAuthorizedError. */
  async purge(
    {
      queue,
      taskId,
      before,
    }: { readonly queue?: string; readonly taskId?: string; readonly before?: number },
    actor: string | undefined,
  ): Promise<number> {
    const { queues, gate } = this.context
    if (queue !== undefined) queues.get(queue)
    const backend = await this.#backend()
    await gate.pass(actor, 'purge', {
      ...(queue === undefined ? {} : { queue }),
      ...(taskId === undefined ? {} : { taskId }),
    })
    return await backend.purge({
      ...(queue === undefined ? {} : { queue }),
      ...(taskId === undefined ? {} : { id: taskId }),
      ...(before === undefined ? {} : { before }),
    })
  }

  /** @throws NotAuthorizedError. */
  async cancel(taskId: string, actor: string | undefined): Promise<boolean> {
    const { gate, batches, callbacks, clock } = this.context
    const backend = await this.#backend()
    await gate.pass(actor, 'cancel', { taskId })
    const cancelled = await backend.cancel(taskId, clock.wall())
    if (cancelled?.was === 'waiting') callbacks.delete(taskId)
    for (const batch of cancelled?.batches ?? []) batches.ended(batch)
    return cancelled !== undefined
  }

  async cancelBatch(batchId: string, actor: string | undefined): Promise<boolean> {
    const { gate, batches } = this.context
    await this.#backend()
    await gate.pass(actor, 'cancel', { batchId })
    return await batches.cancel(batchId)
  }

  /** @throws UnknownQueueError; NotAuthorizedError. */
  async setPaused(queue: string | undefined, isPaused: boolean, actor: string | undefined): Promise<void> {
    const { open, queues, gate } = this.context
    open.assertOpen()
    const names = queue === undefined ? queues.all.map(({ name }) => name) : [queues.get(queue).name]
    for (const name of names) await gate.pass(actor, isPaused ? 'pause' : 'resume', { queue: name })
    const backend = await this.#backend()
    for (const name of names) await backend.pause(name, isPaused)
  }

  async #backend(): Promise<OpenBackend['backend']> {
    const { open } = this.context
    await open.open()
    return open.backend
  }
}

function rangeOf({ offset = 0, limit = 100 }: PageRange): Required<PageRange> {
  checkArgument('offset', option.integer(0), offset)
  checkArgument('limit', option.integer(1, MAX_LIMIT), limit)
  return { offset, limit }
}
