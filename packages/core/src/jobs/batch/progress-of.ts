import type { BatchRow } from '../backends/job-backend.ts'
import type { BatchStatus, ProgressDetails } from './batch-job.ts'

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
    etaSeconds: endedAt !== null ? 0 : ratePerSecond === 0 || left === undefined ? undefined : left / ratePerSecond,
    createdAt,
    ...(endedAt === null ? {} : { finishedAt: endedAt }),
  }
}
