import type { ProcessingStats, QueueHealth } from '@sluice/core'

export interface QueueRow extends ProcessingStats, QueueHealth {
  readonly maxConcurrency: number
  /** Waiting and running tasks of the last 2 minutes, one value per 5 seconds while a page is open. */
  readonly depth: readonly (readonly [at: number, depth: number])[]
}

export interface DeadLetterRow {
  readonly id: string
  readonly queue: string
  readonly attempts: number
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly failedAt: number | null
  readonly error: string
  /** Stack of the last failure, by line; empty if there is none. */
  readonly stack: readonly string[]
  /** Log lines of the processor in the last attempt. */
  readonly log: readonly string[]
  readonly batchId: string | null
  /** The data of the task as JSON; `null` if values are not shown. */
  readonly data: string | null
}

/** Dead letters of one queue with the same error, apart from numbers and quoted words. */
export interface DeadLetterGroup {
  /** ID of the group for `retry-dead-letters` and `discard-dead-letters`. */
  readonly key: string
  readonly queue: string
  readonly error: string
  readonly count: number
  readonly newestAt: number | null
  /** At most 10. */
  readonly letters: readonly DeadLetterRow[]
}

/** `GET api/jobs`; `null` if jobs are disabled. */
export interface JobsPage {
  /** `false` until the app uses the engine. The dashboard does not open it. */
  readonly isOpen: boolean
  /** Whether the tasks are in a backend that other processes share. */
  readonly isShared: boolean
  readonly queues: readonly QueueRow[]
  readonly deadLetters: {
    readonly total: number
    /** Number of dead letters that were grouped, oldest first. */
    readonly grouped: number
    /** Most frequent first. */
    readonly groups: readonly DeadLetterGroup[]
  }
}
