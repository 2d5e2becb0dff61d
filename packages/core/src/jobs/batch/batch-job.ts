import type { BatchRow } from '../backends/job-backend.ts'

/**
 * `completed`: every item was tried, and at most `maxFailedItems` failed. `failed`: more failed. `cancelled`:
 * it ended before every item was tried.
 */
export type BatchStatus = 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled'

/** Many items, cut into tasks. */
export interface BatchJob<T = unknown> {
  readonly id: string
  /** The processor's. */
  readonly name: string
  /** The given array; empty for an iterable, and for a stored batch job: see `getBatchItems`. */
  readonly items: readonly T[]
  readonly batchSize: number
  readonly status: BatchStatus
  /** 0 to 100. */
  readonly progress: number
  /** Items that were processed without an error. */
  readonly processedItems: number
  /** Number of permanently failed items. */
  readonly failedItems: number
  readonly totalItems: number
}

/** How far a batch is. */
export interface ProgressDetails {
  readonly batchId: string
  readonly name: string
  readonly status: BatchStatus
  /** 0 to 100: percentage of items that are finished, including failed ones. */
  readonly progress: number
  readonly totalItems: number
  readonly processedItems: number
  readonly failedItems: number
  /** Items per second since the start. 0 before the first is finished. */
  readonly ratePerSecond: number
  /** Seconds until the end at this rate; `undefined` while there is no rate. */
  readonly etaSeconds: number | undefined
  /** Milliseconds since 1970, as all times here. */
  readonly createdAt: number
  readonly finishedAt?: number
}

export function statusOf({
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
  const isWhole = !isCancelled && processedItems + failedItems >= (totalItems ?? 0)
  if (endedAt !== null) return hasFailed ? 'failed' : isWhole ? 'completed' : 'cancelled'
  if (isCancelled) return hasFailed && stopsOnFailure ? 'failed' : 'cancelled'
  return chunksDone > 0 || processedItems > 0 ? 'processing' : 'pending'
}

export function progressOf(batch: BatchRow, wall: number): ProgressDetails {
  const { id, name, createdAt, endedAt, processedItems, failedItems, totalItems } = batch
  const over = processedItems + failedItems
  const seconds = Math.max(0.001, ((endedAt ?? wall) - createdAt) / 1_000)
  const ratePerSecond = over / seconds
  const left = totalItems === null ? undefined : totalItems - over
  return {
    batchId: id,
    name,
    status: statusOf(batch),
    progress: totalItems === null ? 0 : totalItems === 0 ? 100 : Math.min(100, (over / totalItems) * 100),
    totalItems: totalItems ?? over,
    ...{ processedItems, failedItems, ratePerSecond },
    etaSeconds:
      endedAt !== null ? 0 : ratePerSecond === 0 || left === undefined ? undefined : left / ratePerSecond,
    createdAt,
    ...(endedAt === null ? {} : { finishedAt: endedAt }),
  }
}
