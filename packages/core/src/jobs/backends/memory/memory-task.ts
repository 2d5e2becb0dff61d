import type { TaskFailure, TaskStatus } from '../../task.ts'
import type { NewTask, TaskClaim, TaskLevel, TaskRecord, TaskSettings } from '../job-backend.ts'

const NONE: readonly TaskFailure[] = []

/**
 * A task and its claim: there is only one worker. Constant fields are read from the given task and not
 * copied.
 */
export class MemoryTask implements TaskClaim {
  data: string
  items: number
  runAt: number
  status: TaskStatus
  /** Where the index has it. */
  place = -1
  /** Counts its claims: an outcome of an older one does not count. */
  token = 0
  attempts = 0
  /**
   * Milliseconds since its creation: unlike a time, a small integer needs no heap number. -1: not started.
   */
  startedAfter = -1
  /** The same. */
  finishedAfter = -1
  failures: readonly TaskFailure[] = NONE

  constructor(
    private readonly added: NewTask,
    /** Distinguishes tasks of the same millisecond. */
    readonly sequence: number,
  ) {
    this.data = added.data
    this.items = added.items
    this.runAt = added.runAt
    this.status = added.runAt === 0 ? 'queued' : 'pending'
  }

  get id(): string {
    return this.added.id
  }

  get queue(): string {
    return this.added.queue
  }

  get level(): TaskLevel {
    return this.added.level
  }

  get order(): number {
    return this.added.order
  }

  get createdAt(): number {
    return this.added.createdAt
  }

  get settings(): TaskSettings {
    return this.added.settings
  }

  get uniqueKey(): string | null {
    return this.added.uniqueKey
  }

  get batchId(): string | null {
    return this.added.batchId
  }

  get chunk(): number {
    return this.added.chunk
  }

  get finishedAt(): number | null {
    return this.finishedAfter < 0 ? null : this.added.createdAt + this.finishedAfter
  }

  set finishedAt(at: number | null) {
    this.finishedAfter = at === null ? -1 : Math.max(0, at - this.added.createdAt)
  }

  get crashes(): number {
    return 0
  }

  record(): TaskRecord {
    const {
      added: given,
      data,
      items,
      runAt,
      status,
      attempts,
      crashes,
      startedAfter,
      failures,
      finishedAt,
    } = this
    return {
      ...given,
      ...{ data, items, runAt, status, attempts, crashes, failures },
      startedAt: startedAfter < 0 ? null : given.createdAt + startedAfter,
      finishedAt,
    }
  }
}

/** Number of unused slots from which the array is shrunk. */
const SPARE = 1_024

/**
 * Tasks by id, in the order of their creation. Most of them end without a lookup, so they are only in a list;
 * the first lookup adds them to the map of ids.
 */
export class TaskIndex {
  readonly #byId = new Map<string, MemoryTask>()
  #recent: (MemoryTask | undefined)[] = []
  #held = 0
  #greatest = ''

  /** @returns Whether it was not there. */
  add(task: MemoryTask): boolean {
    if (task.id > this.#greatest) this.#greatest = task.id
    else if (this.get(task.id) !== undefined) return false
    task.place = this.#recent.push(task) - 1
    this.#held += 1
    return true
  }

  get(id: string): MemoryTask | undefined {
    this.#enter()
    return this.#byId.get(id)
  }

  delete(task: MemoryTask): void {
    if (task.place < 0) {
      this.#byId.delete(task.id)
      return
    }
    this.#recent[task.place] = undefined
    this.#held -= 1
    if (this.#recent.length > SPARE && this.#held * 2 < this.#recent.length) this.#compact()
  }

  /** As if it came now. */
  moveToEnd(task: MemoryTask): void {
    this.#enter()
    this.#byId.delete(task.id)
    this.#byId.set(task.id, task)
  }

  values(): IterableIterator<MemoryTask> {
    this.#enter()
    return this.#byId.values()
  }

  #enter(): void {
    if (this.#recent.length === 0) return
    for (const task of this.#recent) {
      if (task === undefined) continue
      task.place = -1
      this.#byId.set(task.id, task)
    }
    this.#recent = []
    this.#held = 0
  }

  #compact(): void {
    const held: MemoryTask[] = []
    for (const task of this.#recent) if (task !== undefined) task.place = held.push(task) - 1
    this.#recent = held
  }
}
