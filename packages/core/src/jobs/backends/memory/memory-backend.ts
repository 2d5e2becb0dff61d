import type { TaskStatus } from '../../task.ts'
import {
  type AddedTask,
  type BatchRow,
  type CancelledBatch,
  type CancelledTask,
  type DeadFilter,
  type JobBackend,
  MAX_FAILURES,
  type NewBatch,
  type NewTask,
  type PageRange,
  type QueueCounts,
  type RenewedClaims,
  type RetentionLimits,
  type StepResult,
  type TaskClaim,
  type TaskFilter,
  type TaskOutcome,
  type TaskRecord,
  type WakeHint,
} from '../job-backend.ts'
import { MemoryBatches } from './memory-batches.ts'
import { MemoryQueue, MemoryTask, TaskIndex } from './memory-queue.ts'

/**
 * Stores tasks in this process: the default backend. Tasks and dead letters are lost when the process ends.
 */
export function memoryJobBackend(): JobBackend {
  return new MemoryBackend()
}

const NONE: readonly never[] = []

/**
 * Stores tasks in the process. They are lost when it ends: for work that can be lost, or is found again at
 * the next start. All methods are synchronous.
 */
export class MemoryBackend implements JobBackend {
  readonly name = 'memory'
  readonly isDurable = false
  readonly isShared = false
  readonly hasTransactions = false
  readonly #queues = new Map<string, MemoryQueue>()
  readonly #tasks = new TaskIndex()
  readonly #batches = new MemoryBatches()
  readonly #unique = new Map<string, string>()
  readonly #slots = new Map<string, number>()
  readonly #listeners = new Set<(hint: WakeHint) => void>()
  #deadBytes = 0
  #sequence = 0

  open(): void {}

  add(tasks: readonly NewTask[]): readonly AddedTask[] {
    const [first] = tasks
    if (first !== undefined && tasks.length === 1) {
      const added = this.#add(first)
      this.#wake(this.#queue(first.queue).hint)
      return [added]
    }
    const added = tasks.map((task) => this.#add(task))
    for (const queue of new Set(tasks.map((task) => task.queue))) this.#wake({ queue })
    return added
  }

  step(queueName: string, outcomes: readonly TaskOutcome[], want: number): StepResult {
    let lost: TaskClaim[] | undefined
    let batches: BatchRow[] | undefined
    const queue = this.#queue(queueName)
    for (const outcome of outcomes) {
      const ended = this.#settle(outcome, queue)
      if (ended === undefined) lost = [...(lost ?? []), outcome.claim]
      else if (ended.length > 0) batches = [...(batches ?? []), ...ended]
    }
    const now = Date.now()
    const claims: MemoryTask[] = []
    for (let left = want; left > 0; left -= 1) {
      const task = queue.take(now)
      if (task === undefined) break
      queue.set(task, 'processing')
      task.token += 1
      task.startedAfter = Math.max(0, now - task.createdAt)
      claims.push(task)
    }
    const nextAt = claims.length < want ? queue.nextAt() : undefined
    return {
      claims,
      lost: lost ?? NONE,
      batches: batches ?? NONE,
      ...(nextAt === undefined ? {} : { nextAt }),
    }
  }

  renew(): RenewedClaims {
    return { lost: NONE, cancelled: NONE }
  }

  cancel(id: string, at: number): CancelledTask | undefined {
    const task = this.#tasks.get(id)
    if (task?.status === 'processing') {
      this.#wake({ cancel: id })
      return { was: 'running', batches: NONE }
    }
    if (task === undefined || isOver(task)) return undefined
    return { was: 'waiting', batches: this.#cancelWaiting(task, at) }
  }

  replay(id: string): boolean {
    const task = this.#tasks.get(id)
    if (task?.status !== 'dead') return false
    if (task.uniqueKey !== null) {
      const key = uniqueOf(task)
      if (this.#unique.has(key)) return false
      this.#unique.set(key, id)
    }
    this.#deadBytes -= task.data.length
    task.attempts = 0
    task.runAt = 0
    task.finishedAt = null
    this.#batches.reopened(task)
    this.#queue(task.queue).putBack(task, 'queued', Date.now())
    this.#wake({ queue: task.queue })
    return true
  }

  purge({ queue, id, before = Number.POSITIVE_INFINITY }: DeadFilter): number {
    let purged = 0
    for (const task of id === undefined ? this.#tasks.values() : [this.#tasks.get(id)]) {
      if (
        task?.status !== 'dead' ||
        (queue !== undefined && task.queue !== queue) ||
        (task.finishedAt ?? 0) >= before
      )
        continue
      this.#forgetDead(task)
      purged += 1
    }
    return purged
  }

  pause(queue: string, isPaused: boolean): void {
    this.#queue(queue).isPaused = isPaused
    if (!isPaused) this.#wake({ queue })
  }

  openBatch(batch: NewBatch): void {
    this.#batches.open(batch)
  }

  sealBatch(id: string, chunks: number, totalItems: number, at: number): readonly BatchRow[] {
    return this.#batches.seal(id, chunks, totalItems, at)
  }

  batch(id: string): BatchRow | undefined {
    return this.#batches.get(id)
  }

  cancelBatch(id: string, at: number): CancelledBatch {
    if (!this.#batches.cancel(id)) return { isFound: false, batches: NONE }
    const batches: BatchRow[] = []
    for (const task of this.#batches.tasks(id)) {
      if (task.status === 'processing') this.#wake({ cancel: task.id })
      else if (!isOver(task)) batches.push(...this.#cancelWaiting(task, at))
    }
    return { isFound: true, batches }
  }

  batchNotified(id: string): void {
    this.#batches.notified(id)
  }

  unnotifiedBatches(before: number): readonly BatchRow[] {
    return this.#batches.unnotified(before)
  }

  get(id: string): TaskRecord | undefined {
    return this.#tasks.get(id)?.record()
  }

  list(
    { queue, status, batchId }: TaskFilter,
    { offset, limit }: Required<PageRange>,
  ): readonly TaskRecord[] {
    const all = batchId === undefined ? this.#tasks.values() : this.#batches.tasks(batchId)
    const found: TaskRecord[] = []
    let skip = offset
    for (const task of all) {
      if (found.length >= limit) break
      if ((queue !== undefined && task.queue !== queue) || (status !== undefined && task.status !== status))
        continue
      if (skip > 0) skip -= 1
      else found.push(task.record())
    }
    return found
  }

  counts(queue: string): QueueCounts {
    return this.#queue(queue).counts()
  }

  takeSlot(key: string, at: number, expiresAt: number): boolean {
    for (const [known, until] of this.#slots) if (until <= at) this.#slots.delete(known)
    if (this.#slots.has(key)) return false
    this.#slots.set(key, expiresAt)
    return true
  }

  tidy({ maxDeadBytes, maxBatchAgeMs }: RetentionLimits, at: number): void {
    for (const task of this.#batches.forget(at - maxBatchAgeMs))
      if (task.status !== 'dead') this.#tasks.delete(task)
    if (this.#deadBytes <= maxDeadBytes) return
    // The oldest are first.
    for (const task of this.#tasks.values()) {
      if (this.#deadBytes <= maxDeadBytes) break
      if (task.status === 'dead') this.#forgetDead(task)
    }
  }

  onWake(listener: (hint: WakeHint) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  close(): void {}

  #add(added: NewTask): AddedTask {
    if (added.uniqueKey !== null) {
      const key = uniqueOf(added)
      const known = this.#unique.get(key)
      if (known !== undefined) return { id: known, isDuplicate: true }
      this.#unique.set(key, added.id)
    }
    this.#sequence += 1
    const task = new MemoryTask(added, this.#sequence)
    if (!this.#tasks.add(task)) return { id: added.id, isDuplicate: true }
    this.#batches.added(task)
    this.#queue(task.queue).add(task)
    return { id: task.id, isDuplicate: false }
  }

  /** @returns Batch jobs that end with this; `undefined` if the outcome does not count. */
  #settle(outcome: TaskOutcome, queue: MemoryQueue): readonly BatchRow[] | undefined {
    const { claim } = outcome
    const task = claim instanceof MemoryTask ? claim : this.#tasks.get(claim.id)
    if (task === undefined || task.status !== 'processing' || task.token !== claim.token) return undefined
    if (outcome.failure !== null) task.failures = [...task.failures, outcome.failure].slice(-MAX_FAILURES)
    if (outcome.data !== null) task.data = outcome.data
    task.items -= outcome.doneItems
    if (outcome.kind === 'retry' || outcome.kind === 'release') {
      if (outcome.kind === 'retry') task.attempts += 1
      task.runAt = outcome.runAt
      queue.putBack(task, outcome.kind === 'retry' ? 'retry' : 'queued', outcome.at)
      return this.#batches.settled(task, outcome)
    }
    if (outcome.kind === 'dead') task.attempts += 1
    task.finishedAt = outcome.at
    if (task.uniqueKey !== null) this.#unique.delete(uniqueOf(task))
    const status = statusAfter(outcome)
    queue.set(task, status)
    if (status === 'dead') {
      this.#deadBytes += task.data.length
      // So that the oldest are first.
      this.#tasks.moveToEnd(task)
    } else if (task.batchId === null) this.#tasks.delete(task)
    return this.#batches.settled(task, outcome)
  }

  #cancelWaiting(task: MemoryTask, at: number): readonly BatchRow[] {
    this.#queue(task.queue).set(task, 'cancelled')
    task.finishedAt = at
    if (task.uniqueKey !== null) this.#unique.delete(uniqueOf(task))
    if (task.batchId === null) this.#tasks.delete(task)
    return this.#batches.settled(task, { kind: 'cancelled', at, doneItems: 0, failedItems: 0 })
  }

  #forgetDead(task: MemoryTask): void {
    this.#deadBytes -= task.data.length
    this.#queue(task.queue).set(task, 'failed')
    this.#tasks.delete(task)
  }

  #queue(name: string): MemoryQueue {
    let queue = this.#queues.get(name)
    if (queue === undefined) {
      queue = new MemoryQueue(name)
      this.#queues.set(name, queue)
    }
    return queue
  }

  #wake(hint: WakeHint): void {
    for (const listener of this.#listeners) listener(hint)
  }
}

function statusAfter({ kind, isStored }: TaskOutcome): TaskStatus {
  if (kind === 'dead') return isStored ? 'dead' : 'failed'
  return kind === 'done' ? 'completed' : 'cancelled'
}

function isOver({ status }: MemoryTask): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled' || status === 'dead'
}

function uniqueOf({
  queue,
  uniqueKey,
}: {
  readonly queue: string
  readonly uniqueKey: string | null
}): string {
  return `${queue}\0${uniqueKey}`
}
