import { InvalidArgumentError } from '../../shared/errors.ts'
import type { BatchRow, JobBackend, Level, NewBatch, NewTask, TaskSettings } from '../backends/job-backend.ts'
import { toPayload } from '../payload.ts'
import type { TaskFactory } from '../task-factory.ts'

/** Tasks that are added at once. */
const GROUP = 50
/** Others get their turn after so long. */
const TURN_MS = 5

export interface BatchParts {
  readonly backend: JobBackend
  readonly factory: TaskFactory
  readonly level: Level
  readonly settings: TaskSettings
  readonly maxPayloadBytes: number
  readonly now: () => number
  /** It is over already. */
  readonly onEnded: (batch: BatchRow) => void
}

/**
 * Cuts items into tasks as they come. What came is worked on meanwhile; a batch that is cancelled meanwhile takes no more.
 *
 * @throws InvalidPayloadError; what the items or the backend throw: the batch is cancelled then.
 */
export async function createBatch(
  batch: NewBatch,
  items: Iterable<unknown> | AsyncIterable<unknown>,
  { backend, factory, level, settings, maxPayloadBytes, now, onEnded }: BatchParts,
): Promise<void> {
  await backend.openBatch(batch)
  let chunk: unknown[] = []
  let group: NewTask[] = []
  let chunks = 0
  let totalItems = 0
  let turnAt = performance.now()
  const cut = () => {
    const data = toPayload(chunk, maxPayloadBytes)
    group.push(factory.part(batch.name, level, data, now(), settings, { batchId: batch.id, chunk: chunks, items: chunk.length }))
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
      if (performance.now() - turnAt > TURN_MS) {
        await new Promise((resolve) => setImmediate(resolve))
        turnAt = performance.now()
      }
    }
    if (chunk.length > 0) cut()
    if (group.length > 0) await add()
  } catch (error) {
    // In this order, so that of the last group, too, nothing is left to run: it may be there although adding it failed.
    await backend.cancelBatch(batch.id, now())
    for (const row of await backend.sealBatch(batch.id, chunks - group.length, totalItems, now())) onEnded(row)
    throw error
  }
  // What was added after somebody cancelled it. It does not end by that, as it is not sealed.
  if ((await backend.batch(batch.id))?.isCancelled === true) await backend.cancelBatch(batch.id, now())
  for (const row of await backend.sealBatch(batch.id, chunks, totalItems, now())) onEnded(row)
}

/** @throws InvalidArgumentError for what cannot be gone through, a text included. */
export function checkItems(items: unknown): void {
  const isIterable = typeof items === 'object' && items !== null && (Symbol.iterator in items || Symbol.asyncIterator in items)
  if (!isIterable) throw new InvalidArgumentError('items', 'an array, an iterable or an async iterable', items)
}
