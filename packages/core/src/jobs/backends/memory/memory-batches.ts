import type { BatchRow, NewBatch, TaskOutcome } from '../job-backend.ts'
import type { MemoryTask } from './memory-queue.ts'

type Batch = { -readonly [K in keyof BatchRow]: BatchRow[K] } & { readonly tasks: MemoryTask[] }

/** Counts of batches, and the tasks that each is made of. */
export class MemoryBatches {
  readonly #batches = new Map<string, Batch>()

  open(batch: NewBatch): void {
    this.#batches.set(batch.id, {
      ...batch,
      totalItems: null,
      chunks: null,
      chunksDone: 0,
      processedItems: 0,
      failedItems: 0,
      isCancelled: false,
      endedAt: null,
      isNotified: false,
      tasks: [],
    })
  }

  get(id: string): BatchRow | undefined {
    const batch = this.#batches.get(id)
    if (batch === undefined) return undefined
    const { tasks: _, ...row } = batch
    return row
  }

  tasks(id: string): readonly MemoryTask[] {
    return this.#batches.get(id)?.tasks ?? []
  }

  added(task: MemoryTask): void {
    if (task.batchId !== null) this.#batches.get(task.batchId)?.tasks.push(task)
  }

  /** @returns The batch job if it ends with this. */
  seal(id: string, chunks: number, totalItems: number, at: number): readonly BatchRow[] {
    const batch = this.#batches.get(id)
    if (batch === undefined) return []
    batch.chunks = chunks
    batch.totalItems = totalItems
    return this.#ended(batch, at)
  }

  /** @returns The batch job if it ends with this. */
  settled(
    task: MemoryTask,
    { kind, at, doneItems, failedItems }: Pick<TaskOutcome, 'kind' | 'at' | 'doneItems' | 'failedItems'>,
  ): readonly BatchRow[] {
    const batch = task.batchId === null ? undefined : this.#batches.get(task.batchId)
    if (batch === undefined) return []
    batch.processedItems += doneItems
    batch.failedItems += failedItems
    if (kind === 'retry' || kind === 'release') return []
    batch.chunksDone += 1
    return this.#ended(batch, at)
  }

  cancel(id: string): boolean {
    const batch = this.#batches.get(id)
    if (batch === undefined || batch.endedAt !== null) return false
    batch.isCancelled = true
    return true
  }

  /** One of its dead letters is retried: its failed items are open again. */
  reopened(task: MemoryTask): void {
    const batch = task.batchId === null ? undefined : this.#batches.get(task.batchId)
    if (batch === undefined) return
    batch.chunksDone -= 1
    batch.failedItems -= task.items
    batch.endedAt = null
    batch.isNotified = false
  }

  notified(id: string): void {
    const batch = this.#batches.get(id)
    // It may be open again by now.
    if (batch !== undefined && batch.endedAt !== null) batch.isNotified = true
  }

  unnotified(before: number): readonly BatchRow[] {
    return [...this.#batches.values()].filter(
      ({ endedAt, isNotified }) => endedAt !== null && endedAt <= before && !isNotified,
    )
  }

  /** @returns The tasks of the deleted batch jobs, which had ended by then. */
  forget(before: number): readonly MemoryTask[] {
    const forgotten = [...this.#batches.values()].filter(
      ({ endedAt }) => endedAt !== null && endedAt < before,
    )
    for (const { id } of forgotten) this.#batches.delete(id)
    return forgotten.flatMap(({ tasks }) => tasks)
  }

  #ended(batch: Batch, at: number): readonly BatchRow[] {
    if (batch.endedAt !== null || batch.chunks === null || batch.chunksDone < batch.chunks) return []
    batch.endedAt = at
    const { tasks: _, ...row } = batch
    return [row]
  }
}
