import type { TaskStatus } from '../../task.ts'

/** How a status is kept. What is below `COMPLETED` is not over. */
export const QUEUED = 0
export const PROCESSING = 1
export const PENDING = 2
export const RETRY = 3
export const COMPLETED = 4
export const FAILED = 5
export const CANCELLED = 6
export const DEAD = 7

export const statuses: readonly TaskStatus[] = ['queued', 'processing', 'pending', 'retry', 'completed', 'failed', 'cancelled', 'dead']
