import type { ProcessingStats, QueueHealth } from '@sluice/core'

export interface QueueRow extends ProcessingStats, QueueHealth {
  readonly maxConcurrency: number
  /** Waiting and running tasks of the last two minutes: one every five seconds while somebody looks. */
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
  /** Lines of its last failure's stack; empty where there are none. */
  readonly stack: readonly string[]
  /** What its processor logged in the last attempt. */
  readonly log: readonly string[]
  readonly batchId: string | null
  /** Its data as JSON; `null`: they are not shown. */
  readonly data: string | null
}

/** Dead letters of one queue that failed with the same, numbers and quoted words aside. */
export interface DeadLetterGroup {
  /** Names it in `retry-dead-letters` and `discard-dead-letters`. */
  readonly key: string
  readonly queue: string
  readonly error: string
  readonly count: number
  readonly newestAt: number | null
  /** Ten at most. */
  readonly letters: readonly DeadLetterRow[]
}

/** `GET api/jobs`: what is stuck? `null` in its place: jobs are off. */
export interface JobsPage {
  /** False as long as the engine has not been used: it is not opened for being looked at. */
  readonly isOpen: boolean
  /** Whether its tasks are kept where other processes have them, too. */
  readonly isShared: boolean
  readonly queues: readonly QueueRow[]
  readonly deadLetters: {
    readonly total: number
    /** How many were looked at to group them; those that were made first. */
    readonly grouped: number
    /** The most frequent first. */
    readonly groups: readonly DeadLetterGroup[]
  }
}
