/** Which tasks go first; within one, in the order in which they came. What waits long enough goes before what is more urgent and came later. */
export type TaskPriority = 'critical' | 'high' | 'normal' | 'low'

export const taskPriorities: readonly TaskPriority[] = ['critical', 'high', 'normal', 'low']

/**
 * - `pending`: waits for its time (`delayMs`)
 * - `queued`: waits for a worker
 * - `processing`: is being run
 * - `retry`: has failed, and waits to be run again
 * - `completed`, `cancelled`: is over
 * - `dead`: has failed for good, and is kept as a dead letter
 * - `failed`: has failed for good, and is not kept
 */
export type TaskStatus = 'pending' | 'queued' | 'processing' | 'retry' | 'completed' | 'failed' | 'cancelled' | 'dead'

/** One attempt that failed. */
export interface TaskFailure {
  /** From 1. */
  readonly attempt: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly message: string
  readonly stack?: string
  /** What the processor logged in that attempt. */
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
  /** Of `enqueueTask`: a task with this `uniqueKey` was there already, and this is it. */
  readonly isDuplicate?: boolean
}

/** A task that failed for good. */
export interface DeadLetter<T = unknown> extends Task<T> {
  readonly status: 'dead'
  /** The last ones, the oldest first. */
  readonly failures: readonly TaskFailure[]
}
