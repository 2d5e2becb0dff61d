import type { TaskFailure, TaskStatus } from '../task.ts'

/** A backend in the process answers at once: a promise for each step costs several times the step. */
export type MaybePromise<T> = T | Promise<T>

/** 0 is the most urgent. */
export type Level = 0 | 1 | 2 | 3

/** What is the same for many tasks. */
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

/** A task as it is added. */
export interface NewTask {
  /** Chosen by the engine, so that adding it twice is adding it once. A UUID of version 7. */
  readonly id: string
  readonly queue: string
  readonly level: Level
  /** What goes first: the time when it was made, and so much later for each level. */
  readonly order: number
  /** JSON. */
  readonly data: string
  /** Milliseconds since 1970, as all times here; 0: at once. */
  readonly runAt: number
  readonly createdAt: number
  readonly settings: TaskSettings
  /** Of the tasks of a queue that are not over, one alone has it. */
  readonly uniqueKey: string | null
  readonly batchId: string | null
  /** Its number in the batch, from 0. */
  readonly chunk: number
  /** Items in it that are not over. */
  readonly items: number
}

/** What became of adding one. */
export interface Added {
  /** Of the task that was there, for a duplicate. */
  readonly id: string
  readonly isDuplicate: boolean
}

/** A task that a worker has, until the lease runs out. */
export interface Claim extends Omit<NewTask, 'runAt'> {
  /** Of this worker's having it, and of nobody else's. */
  readonly token: string | number
  /** Attempts that failed. */
  readonly attempts: number
  /** How often a worker was lost with it. */
  readonly crashes: number
}

/**
 * What became of a task that was claimed.
 *
 * - `done`: is over; also where another worker has it meanwhile, since it is done
 * - `retry`: runs again at `runAt`; one attempt more has failed
 * - `release`: runs again at `runAt`, and nothing has failed
 * - `dead`: has failed for good
 * - `cancelled`: is over
 */
export type OutcomeKind = 'done' | 'retry' | 'release' | 'dead' | 'cancelled'

export interface Outcome {
  readonly claim: Claim
  readonly kind: OutcomeKind
  readonly at: number
  readonly runAt: number
  readonly failure: TaskFailure | null
  /** Whether it is kept when it is over: as a dead letter, or to be looked at. */
  readonly isKept: boolean
  /** Items that were processed, for its batch. */
  readonly doneItems: number
  /** Items that have failed for good, for its batch. */
  readonly failedItems: number
  /** Unless it is done: the items that are left, as JSON, where some are. */
  readonly data: string | null
}

/** A batch as it is kept. */
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

export type NewBatch = Pick<BatchRow, 'id' | 'name' | 'batchSize' | 'createdAt' | 'maxFailedItems' | 'stopsOnFailure' | 'webhook'>

export interface StepResult {
  readonly claims: readonly Claim[]
  /** Outcomes that did not count: somebody else has the task, or it is over. */
  readonly lost: readonly Claim[]
  /** Batches that are over by these outcomes. Each is told once, to one worker. */
  readonly batches: readonly BatchRow[]
  /** When the next task becomes ready that waits for its time, where that is known. */
  readonly nextAt?: number
}

export interface Renewed {
  /** Claims that are nobody's any more, or somebody else's. */
  readonly lost: readonly Claim[]
  readonly cancelled: readonly Claim[]
}

/** A task as it is kept. */
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

export interface Range {
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
  /** When the task was made that waits longest for a worker. */
  readonly oldestQueuedAt: number | null
  readonly isPaused: boolean
}

/** What others may have done. It is a hint: some are missed. */
export interface WakeHint {
  /** Something became ready there; left out: anywhere. */
  readonly queue?: string
  /** A task that is to stop. */
  readonly cancel?: string
}

/** What came of cancelling a task. */
export interface CancelledTask {
  /** `waiting`: it is over; `running`: its worker is told. */
  readonly was: 'waiting' | 'running'
  /** Batches that are over by this. */
  readonly batches: readonly BatchRow[]
}

/** What came of cancelling a batch. */
export interface CancelledBatch {
  /** Batches that are over by this. */
  readonly batches: readonly BatchRow[]
  readonly isFound: boolean
}

/**
 * Where tasks are kept, and who has them. The engine owns time-outs, retries, and the verdict on crashes; a backend owns order, claims, leases, and the
 * counts of batches. State changes are atomic: a task is over once, and a batch is.
 */
export interface JobBackend {
  readonly name: string
  /** Whether what was accepted outlives the process. */
  readonly isDurable: boolean
  /** Whether other processes work on the same tasks: then claims have leases, and others are asked for news. */
  readonly isShared: boolean
  /** Whether what a transaction adds is there only if it commits. */
  readonly hasTransactions: boolean
  /**
   * Steps of a queue that may be under way at once: so a store that is far away works on some tasks while this process works on others.
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
  add(tasks: readonly NewTask[], transaction?: unknown): MaybePromise<readonly Added[]>
  /** Takes in outcomes, and hands out the next tasks, in order: in one go, as each has to be awaited. Those of workers that were lost come again. */
  step(queue: string, outcomes: readonly Outcome[], want: number, owner: string, leaseMs: number): MaybePromise<StepResult>
  /** Keeps claims for another lease. */
  renew(claims: readonly Claim[], owner: string, leaseMs: number): MaybePromise<Renewed>
  /** @returns `undefined`: there is none that is not over. */
  cancel(id: string, at: number): MaybePromise<CancelledTask | undefined>
  /** Makes a dead letter a task again, with all its attempts. Its batch, if that was over, is open again, and its next end is told like the first. */
  replay(id: string): MaybePromise<boolean>
  /** Forgets dead letters. @returns How many. */
  purge(filter: { readonly queue?: string; readonly id?: string; readonly before?: number }): MaybePromise<number>
  pause(queue: string, isPaused: boolean): MaybePromise<void>

  openBatch(batch: NewBatch): MaybePromise<void>
  /** All of it was added. @returns The batch if it is over by this. */
  sealBatch(id: string, chunks: number, totalItems: number, at: number): MaybePromise<readonly BatchRow[]>
  batch(id: string): MaybePromise<BatchRow | undefined>
  /** Cancels what waits of a batch, and tells the workers of what runs. */
  cancelBatch(id: string, at: number): MaybePromise<CancelledBatch>
  /** Somebody was told that a batch is over. */
  batchNotified(id: string): MaybePromise<void>
  /** Batches that were over by then, and of which nobody was told who is to be. */
  unnotifiedBatches(before: number): MaybePromise<readonly BatchRow[]>

  get(id: string): MaybePromise<TaskRecord | undefined>
  /** In the order in which they were made. */
  list(filter: TaskFilter, range: Required<Range>): MaybePromise<readonly TaskRecord[]>
  /**
   * @param upTo - Whoever asks need not know of any kind that there are more; and what waits longest, of the first so many that are ready. It is for backends that
   * have to look at each task to count it.
   */
  counts(queue: string, upTo?: number): MaybePromise<QueueCounts>
  /** One caller alone gets `true` for a key, until it expires. */
  takeSlot(key: string, at: number, expiresAt: number): MaybePromise<boolean>
  /** Forgets what is over and is older, or too much. */
  tidy(limits: RetentionLimits, at: number): MaybePromise<void>

  onWake(listener: (hint: WakeHint) => void): () => void
  close(): MaybePromise<void>
}

/** How much is kept of what is over. */
export interface RetentionLimits {
  /** Bytes of data of dead letters. */
  readonly maxDeadBytes: number
  /** Milliseconds after which batches that are over are forgotten. */
  readonly maxBatchAgeMs: number
}

/** Failures of a task that are kept; of more, the oldest go. */
export const MAX_FAILURES = 10
