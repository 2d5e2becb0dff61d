import type { Clock } from '../../shared/clock.ts'
import type { Emitter } from '../../shared/emitter.ts'
import { InvalidArgumentError } from '../../shared/errors.ts'
import type {
  BatchRow,
  JobBackend,
  NewBatch,
  NewTask,
  TaskLevel,
  TaskSettings,
} from '../backends/job-backend.ts'
import type { JobEvents } from '../job-events.ts'
import type { WebhookSettings } from '../job-options.ts'
import { toPayload } from '../payload.ts'
import type { BatchJob, BatchStatus, ProgressDetails } from '../task.ts'
import type { TaskFactory } from '../task-factory.ts'
import { BatchNotices } from './batch-notices.ts'

/** Number of tasks that are added together. */
const GROUP = 50
/** Time after which it yields to the event loop. */
const MAX_TICK_MS = 5

interface BatchParts {
  readonly backend: JobBackend
  readonly factory: TaskFactory
  readonly level: TaskLevel
  readonly settings: TaskSettings
  readonly now: () => number
  /** Called if the batch job has already ended. */
  readonly onEnded: (batch: BatchRow) => void
}

/**
 * Divides items into tasks as they arrive. Added tasks run meanwhile; a batch job that is cancelled meanwhile
 * accepts no more items.
 *
 * @throws InvalidPayloadError; errors of the items or the backend: the batch job is then cancelled.
 */
async function createBatch(
  batch: NewBatch,
  items: Iterable<unknown> | AsyncIterable<unknown>,
  { backend, factory, level, settings, now, onEnded }: BatchParts,
): Promise<void> {
  await backend.openBatch(batch)
  let chunk: unknown[] = []
  let group: NewTask[] = []
  let chunks = 0
  let totalItems = 0
  let yieldedAt = performance.now()
  const cut = () => {
    const data = toPayload(chunk)
    group.push(
      factory.part(batch.name, level, data, now(), settings, {
        batchId: batch.id,
        chunk: chunks,
        items: chunk.length,
      }),
    )
    chunks += 1
    totalItems += chunk.length
    chunk = []
  }
  const add = async () => {
    await backend.add(group)
    group = []
  }
  try {
    for await (const item of items) {
      chunk.push(item)
      if (chunk.length < batch.batchSize) continue
      cut()
      if (group.length === GROUP) {
        await add()
        if ((await backend.batch(batch.id))?.isCancelled === true) break
      }
      if (performance.now() - yieldedAt > MAX_TICK_MS) {
        await new Promise((resolve) => setImmediate(resolve))
        yieldedAt = performance.now()
      }
    }
    if (chunk.length > 0) cut()
    if (group.length > 0) await add()
  } catch (error) {
    // In this order, so that of the last group, too, nothing is left to run: it may be there although adding
    // it failed.
    await backend.cancelBatch(batch.id, now())
    for (const row of await backend.sealBatch(batch.id, chunks - group.length, totalItems, now()))
      onEnded(row)
    throw error
  }
  // Cancels tasks that were added after a cancellation. The batch job does not end with them, because it is
  // not sealed.
  if ((await backend.batch(batch.id))?.isCancelled === true) await backend.cancelBatch(batch.id, now())
  for (const row of await backend.sealBatch(batch.id, chunks, totalItems, now())) onEnded(row)
}

/** @throws InvalidArgumentError if it is not iterable, or a string. */
export function checkItems(items: unknown): void {
  const isIterable =
    typeof items === 'object' && items !== null && (Symbol.iterator in items || Symbol.asyncIterator in items)
  if (!isIterable)
    throw new InvalidArgumentError('items', 'an array, an iterable or an async iterable', items)
}

/** The batch jobs of an engine: creates, reads, cancels and reports them. */
export class Batches {
  readonly #notices: BatchNotices

  constructor(
    private readonly backend: JobBackend,
    private readonly clock: Clock,
    private readonly events: Emitter<JobEvents>,
    webhooks: WebhookSettings,
  ) {
    this.#notices = new BatchNotices(
      backend,
      () => clock.wall(),
      (error) => events.emit('error', { error }),
      webhooks,
    )
  }

  /** @throws As `createBatch`. */
  async create<T>(
    batch: NewBatch,
    items: Iterable<T> | AsyncIterable<T>,
    parts: Pick<BatchParts, 'factory' | 'level' | 'settings'>,
  ): Promise<BatchJob<T>> {
    await createBatch(batch, items, {
      ...parts,
      backend: this.backend,
      now: () => this.clock.wall(),
      onEnded: (row) => this.ended(row),
    })
    return this.#view(await this.#row(batch.id), Array.isArray(items) ? (items as readonly T[]) : [])
  }

  /** @throws InvalidArgumentError when there is none, as the others here. */
  async get(id: string): Promise<BatchJob> {
    return this.#view(await this.#row(id), [])
  }

  async progress(id: string): Promise<ProgressDetails> {
    return this.#progressOf(await this.#row(id))
  }

  /** @returns Whether there was one that was not over. */
  async cancel(id: string): Promise<boolean> {
    const { isFound, batches } = await this.backend.cancelBatch(id, this.clock.wall())
    for (const batch of batches) this.ended(batch)
    return isFound
  }

  /** Reports the end of a batch job. */
  ended(batch: BatchRow): void {
    const details = this.#progressOf(batch)
    this.events.emit('batch:completed', details)
    this.#notices.notify(batch, details)
  }

  /** Items of it failed: cancels what is left if it is one that is to stop then. */
  async stopIfFailed(id: string): Promise<void> {
    const batch = await this.backend.batch(id)
    if (batch?.stopsOnFailure === true && batch.failedItems > batch.maxFailedItems && batch.endedAt === null)
      await this.cancel(id)
  }

  /** Calls the webhooks of batch jobs that were not reported in time. */
  resume(): void {
    this.#notices.resume((row) => this.#progressOf(row))
  }

  close(): void {
    this.#notices.close()
  }

  async #row(id: string): Promise<BatchRow> {
    const row = await this.backend.batch(id)
    if (row === undefined) throw new InvalidArgumentError('batchId', 'the id of a stored batch job', id)
    return row
  }

  #progressOf(row: BatchRow): ProgressDetails {
    return progressOf(row, this.clock.wall())
  }

  #view<T>(row: BatchRow, items: readonly T[]): BatchJob<T> {
    const { id, name, batchSize, processedItems, failedItems } = row
    const { progress, totalItems } = this.#progressOf(row)
    return {
      id,
      name,
      items,
      batchSize,
      status: statusOf(row),
      progress,
      processedItems,
      failedItems,
      totalItems,
    }
  }
}

function statusOf({
  endedAt,
  isCancelled,
  failedItems,
  maxFailedItems,
  stopsOnFailure,
  chunksDone,
  processedItems,
  totalItems,
}: BatchRow): BatchStatus {
  const hasFailed = failedItems > maxFailedItems
  // Parts may have been cancelled one by one.
  const isComplete = !isCancelled && processedItems + failedItems >= (totalItems ?? 0)
  if (endedAt !== null) return hasFailed ? 'failed' : isComplete ? 'completed' : 'cancelled'
  if (isCancelled) return hasFailed && stopsOnFailure ? 'failed' : 'cancelled'
  return chunksDone > 0 || processedItems > 0 ? 'processing' : 'pending'
}

export function progressOf(batch: BatchRow, wall: number): ProgressDetails {
  const { id, name, createdAt, endedAt, processedItems, failedItems, totalItems } = batch
  const over = processedItems + failedItems
  const seconds = Math.max(0.001, ((endedAt ?? wall) - createdAt) / 1_000)
  const ratePerSecond = over / seconds
  const remaining = totalItems === null ? undefined : totalItems - over
  return {
    batchId: id,
    name,
    status: statusOf(batch),
    progress: totalItems === null ? 0 : totalItems === 0 ? 100 : Math.min(100, (over / totalItems) * 100),
    totalItems: totalItems ?? over,
    processedItems,
    failedItems,
    ratePerSecond,
    etaSeconds:
      endedAt !== null
        ? 0
        : ratePerSecond === 0 || remaining === undefined
          ? undefined
          : remaining / ratePerSecond,
    createdAt,
    ...(endedAt === null ? {} : { finishedAt: endedAt }),
  }
}
