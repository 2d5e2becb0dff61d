/**
 * Priority of a task. Tasks of one priority run in the order of their creation. A task that has waited long
 * enough runs before a newer, more urgent one.
 */
export type TaskPriority = 'critical' | 'high' | 'normal' | 'low'

export const taskPriorities: readonly TaskPriority[] = ['critical', 'high', 'normal', 'low']

/**
 * - `pending`: waits for its time (`delayMs`)
 * - `queued`: waits for a worker
 * - `processing`: is running
 * - `retry`: failed, and waits for its next attempt
 * - `completed`, `cancelled`: ended
 * - `dead`: failed permanently, and is stored as a dead letter
 * - `failed`: failed permanently, and is not stored
 */
export type TaskStatus =
  | 'pending'
  | 'queued'
  | 'processing'
  | 'retry'
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'dead'

/** One attempt that failed. */
export interface TaskFailure {
  /** From 1. */
  readonly attempt: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly message: string
  readonly stack?: string
  /** Lines that the processor logged in this attempt. */
  readonly log: readonly string[]
}

/** A piece of work. */
export interface Task<T = unknown> {
  readonly id: string
  readonly data: T
  readonly priority: TaskPriority
  readonly queue: string
  readonly status: TaskStatus
  /** Attempts that failed. */
  readonly attempts: number
  readonly maxRetries: number
  /** Milliseconds since 1970, as all times of a task. */
  readonly createdAt: number
  readonly startedAt?: number
  readonly finishedAt?: number
  /** The message of the last failure. */
  readonly error?: string
  /** The batch that it is a part of; its data are some of the items then. */
  readonly batchId?: string
  /** On whose behalf it runs. */
  readonly runAs?: string
  /** Set by `enqueueTask` if this is an existing task with the same `uniqueKey`. */
  readonly isDuplicate?: boolean
}

/** A permanently failed task. */
export interface DeadLetter<T = unknown> extends Task<T> {
  readonly status: 'dead'
  /** The last ones, the oldest first. */
  readonly failures: readonly TaskFailure[]
}

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
