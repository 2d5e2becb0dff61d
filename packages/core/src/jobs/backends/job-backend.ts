import type { TaskFailure, TaskStatus } from '../task.ts'

/**
 * A backend in the process returns immediately: a promise for each step costs several times as much as the
 * step.
 */
export type MaybePromise<T> = T | Promise<T>

/** 0 is the most urgent. */
export type TaskLevel = 0 | 1 | 2 | 3

/** Settings that many tasks have in common. */
export interface TaskSettings {
  readonly maxRetries: number
  /** How often a worker may be lost with it. */
  readonly maxCrashes: number
  /** Milliseconds; 0: none. */
  readonly timeoutMs: number
  /** Milliseconds before the first retry, doubled for each; or for each retry. */
  readonly backoff: number | readonly number[]
  readonly runAs: string | null
}

/** A task to add. */
export interface NewTask {
  /** Chosen by the engine, so that adding it twice is adding it once. A UUID of version 7. */
  readonly id: string
  readonly queue: string
  readonly level: TaskLevel
  /** Sort key: the creation time, plus a delay for each level of priority. */
  readonly order: number
  /** JSON. */
  readonly data: string
  /** Milliseconds since 1970, like all times here; 0: immediately. */
  readonly runAt: number
  readonly createdAt: number
  readonly settings: TaskSettings
  /** Only one unfinished task of a queue has this key. */
  readonly uniqueKey: string | null
  readonly batchId: string | null
  /** Its number in the batch, from 0. */
  readonly chunk: number
  /** Items in it that are not over. */
  readonly items: number
}

/** Result of adding a task. */
export interface AddedTask {
  /** For a duplicate, the id of the existing task. */
  readonly id: string
  readonly isDuplicate: boolean
}

/** A task that a worker has, until the lease runs out. */
export interface TaskClaim extends Omit<NewTask, 'runAt'> {
  /** Fencing token of this claim. */
  readonly token: string | number
  /** Attempts that failed. */
  readonly attempts: number
  /** How often a worker was lost with it. */
  readonly crashes: number
}

/**
 * Outcome of a claimed task.
 *
 * - `done`: completed, even if another worker has claimed the task meanwhile
 * - `retry`: runs again at `runAt`, after a failed attempt
 * - `release`: runs again at `runAt`, without a failure
 * - `dead`: permanently failed
 * - `cancelled`: cancelled
 */
export type TaskOutcomeKind = 'done' | 'retry' | 'release' | 'dead' | 'cancelled'

export interface TaskOutcome {
  readonly claim: TaskClaim
  readonly kind: TaskOutcomeKind
  readonly at: number
  readonly runAt: number
  readonly failure: TaskFailure | null
  /** Whether the task is stored after its end: as a dead letter, or to be inspected. */
  readonly isStored: boolean
  /** Items that were processed, for its batch. */
  readonly doneItems: number
  /** Number of permanently failed items, for its batch job. */
  readonly failedItems: number
  /** Unless it is done: the items that are left, as JSON, where some are. */
  readonly data: string | null
}

/** A stored batch job. */
export interface BatchRow {
  readonly id: string
  readonly name: string
  readonly batchSize: number
  readonly createdAt: number
  /** More failed items than that, and it has failed. */
  readonly maxFailedItems: number
  readonly stopsOnFailure: boolean
  readonly webhook: string | null
  /** `null` until all of it was added. */
  readonly totalItems: number | null
  readonly chunks: number | null
  readonly chunksDone: number
  readonly processedItems: number
  readonly failedItems: number
  readonly isCancelled: boolean
  readonly endedAt: number | null
  readonly isNotified: boolean
}

export type NewBatch = Pick<
  BatchRow,
  'id' | 'name' | 'batchSize' | 'createdAt' | 'maxFailedItems' | 'stopsOnFailure' | 'webhook'
>

export interface StepResult {
  readonly claims: readonly TaskClaim[]
  /** Outcomes that did not count: another worker has claimed the task, or it has ended. */
  readonly lost: readonly TaskClaim[]
  /** Batch jobs that ended with these outcomes. Each is reported once, to one worker. */
  readonly batches: readonly BatchRow[]
  /** When the next task becomes ready that waits for its time, where that is known. */
  readonly nextAt?: number
}

export interface RenewedClaims {
  /** Claims that have expired, or that another worker has now. */
  readonly lost: readonly TaskClaim[]
  readonly cancelled: readonly TaskClaim[]
}

/** A stored task. */
export interface TaskRecord extends NewTask {
  readonly status: TaskStatus
  readonly attempts: number
  readonly crashes: number
  readonly startedAt: number | null
  readonly finishedAt: number | null
  readonly failures: readonly TaskFailure[]
}

export interface TaskFilter {
  readonly queue?: string
  readonly status?: TaskStatus
  readonly batchId?: string
}

/** Dead letters to delete. */
export interface DeadFilter {
  readonly queue?: string
  readonly id?: string
  /** Those that failed before then. */
  readonly before?: number
}

export interface PageRange {
  /** @defaultValue 0 */
  readonly offset?: number
  /** @defaultValue 100 */
  readonly limit?: number
}

/** How many tasks of a queue there are of each kind. */
export interface QueueCounts {
  readonly pending: number
  readonly queued: number
  readonly processing: number
  readonly retry: number
  readonly dead: number
  /** Creation time of the task that has waited for a worker longest. */
  readonly oldestQueuedAt: number | null
  readonly isPaused: boolean
}

/** Hint about an action of another process. Some are missed. */
export interface WakeHint {
  /** A task became ready in this queue; omitted: in any queue. */
  readonly queue?: string
  /** A task that is to stop. */
  readonly cancel?: string
}

/** Result of cancelling a task. */
export interface CancelledTask {
  /** `waiting`: the task has ended; `running`: its worker is notified. */
  readonly was: 'waiting' | 'running'
  /** Batch jobs that ended because of this. */
  readonly batches: readonly BatchRow[]
}

/** Result of cancelling a batch job. */
export interface CancelledBatch {
  /** Batch jobs that ended because of this. */
  readonly batches: readonly BatchRow[]
  readonly isFound: boolean
}

/**
 * Stores tasks and their claims. The engine is responsible for timeouts, retries, and the decision after
 * crashes; a backend for order, claims, leases, and the counts of batch jobs. State changes are atomic: each
 * task and each batch job ends once.
 */
export interface JobBackend {
  readonly name: string
  /** Whether what was accepted outlives the process. */
  readonly isDurable: boolean
  /**
   * Whether other processes work on the same tasks: then claims have leases, and the engine polls for
   * changes.
   */
  readonly isShared: boolean
  /** Whether what a transaction adds is there only if it commits. */
  readonly hasTransactions: boolean
  /**
   * Number of steps of a queue that can be in flight concurrently, so that a remote store handles some tasks
   * while this process runs others.
   * @defaultValue 1
   */
  readonly stepsAtOnce?: number

  /** Called once, before anything else. */
  open(): MaybePromise<void>
  /**
   * Adds tasks in order. The same id twice is a duplicate.
   *
   * @param transaction - The app's own, of a kind that the backend knows.
   */
  add(tasks: readonly NewTask[], transaction?: unknown): MaybePromise<readonly AddedTask[]>
  /**
   * Records outcomes and returns the next tasks, in order, in one call, because each call must be awaited.
   * Tasks of lost workers are returned again.
   */
  step(
    queue: string,
    outcomes: readonly TaskOutcome[],
    want: number,
    owner: string,
    leaseMs: number,
  ): MaybePromise<StepResult>
  /** Keeps claims for another lease. */
  renew(claims: readonly TaskClaim[], owner: string, leaseMs: number): MaybePromise<RenewedClaims>
  /** @returns `undefined`: there is none that is not over. */
  cancel(id: string, at: number): MaybePromise<CancelledTask | undefined>
  /**
   * Makes a dead letter a task again, with all its attempts. If its batch job had ended, it is open again,
   * and its next end is reported like the first.
   */
  replay(id: string): MaybePromise<boolean>
  /**
   * Forgets dead letters.
   *
   * @returns How many.
   */
  purge(filter: DeadFilter): MaybePromise<number>
  pause(queue: string, isPaused: boolean): MaybePromise<void>

  openBatch(batch: NewBatch): MaybePromise<void>
  /**
   * All items were added.
   *
   * @returns The batch job if it ends with this.
   */
  sealBatch(id: string, chunks: number, totalItems: number, at: number): MaybePromise<readonly BatchRow[]>
  batch(id: string): MaybePromise<BatchRow | undefined>
  /** Cancels the waiting tasks of a batch job, and notifies the workers of running ones. */
  cancelBatch(id: string, at: number): MaybePromise<CancelledBatch>
  /** The end of this batch job was reported. */
  batchNotified(id: string): MaybePromise<void>
  /** Batch jobs that had ended by then, and whose end was not reported. */
  unnotifiedBatches(before: number): MaybePromise<readonly BatchRow[]>

  get(id: string): MaybePromise<TaskRecord | undefined>
  /** In the order of their creation. */
  list(filter: TaskFilter, range: Required<PageRange>): MaybePromise<readonly TaskRecord[]>
  /**
   * @param upTo - Limit for each count, and number of ready tasks in which the longest waiting one is
   * determined. For backends that must read each task to count it.
   */
  counts(queue: string, upTo?: number): MaybePromise<QueueCounts>
  /** One caller alone gets `true` for a key, until it expires. */
  takeSlot(key: string, at: number, expiresAt: number): MaybePromise<boolean>
  /** Deletes finished tasks and batch jobs that exceed the limits. */
  tidy(limits: RetentionLimits, at: number): MaybePromise<void>

  onWake(listener: (hint: WakeHint) => void): () => void
  close(): MaybePromise<void>
}

/** Limits for finished tasks and batch jobs. */
export interface RetentionLimits {
  /** Bytes of data of dead letters. */
  readonly maxDeadBytes: number
  /** Milliseconds after which finished batch jobs are deleted. */
  readonly maxBatchAgeMs: number
}

/** Number of stored failures of a task. Above it, the oldest are removed. */
export const MAX_FAILURES = 10
