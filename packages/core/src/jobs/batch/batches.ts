import type { Clock } from '../../shared/clock.ts'
import type { Emitter } from '../../shared/emitter.ts'
import { InvalidArgumentError } from '../../shared/errors.ts'
import type { BatchRow, JobBackend, NewBatch } from '../backends/job-backend.ts'
import type { JobEvents } from '../job-events.ts'
import { type BatchJob, type ProgressDetails, progressOf, statusOf } from './batch-job.ts'
import { BatchNotices } from './batch-notices.ts'
import { type BatchParts, createBatch } from './create-batch.ts'

/** The batches of an engine: made, looked at, cancelled, and told of when they are over. */
export class Batches {
  readonly #notices: BatchNotices

  constructor(
    private readonly backend: JobBackend,
    private readonly clock: Clock,
    private readonly events: Emitter<JobEvents>,
  ) {
    this.#notices = new BatchNotices(
      backend,
      () => clock.wall(),
      (error) => events.emit('error', { error }),
    )
  }

  /** @throws As `createBatch`. */
  async create<T>(
    batch: NewBatch,
    items: Iterable<T> | AsyncIterable<T>,
    parts: Pick<BatchParts, 'factory' | 'level' | 'settings' | 'maxPayloadBytes'>,
  ): Promise<BatchJob<T>> {
    await createBatch(batch, items, {
      ...{ ...parts, backend: this.backend },
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

  /** Tells that one is over. */
  ended(batch: BatchRow): void {
    const details = this.#progressOf(batch)
    this.events.emit('batch:completed', details)
    this.#notices.tell(batch, details)
  }

  /** Items of it failed: cancels what is left if it is one that is to stop then. */
  async stopIfFailed(id: string): Promise<void> {
    const batch = await this.backend.batch(id)
    if (batch?.stopsOnFailure === true && batch.failedItems > batch.maxFailedItems && batch.endedAt === null) await this.cancel(id)
  }

  /** Tells the addresses of those that nobody was told of in time. */
  resume(): void {
    this.#notices.resume((row) => this.#progressOf(row))
  }

  close(): void {
    this.#notices.close()
  }

  async #row(id: string): Promise<BatchRow> {
    const row = await this.backend.batch(id)
    if (row === undefined) throw new InvalidArgumentError('batchId', 'the id of a batch that is kept', id)
    return row
  }

  #progressOf(row: BatchRow): ProgressDetails {
    return progressOf(row, this.clock.wall())
  }

  #view<T>(row: BatchRow, items: readonly T[]): BatchJob<T> {
    const { id, name, batchSize, processedItems, failedItems } = row
    const { progress, totalItems } = this.#progressOf(row)
    return { id, name, items, batchSize, status: statusOf(row), progress, processedItems, failedItems, totalItems }
  }
}
