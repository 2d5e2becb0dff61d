import type { TaskFailure, TaskStatus } from '../../task.ts'
import type { Claim, Level, NewTask, TaskRecord, TaskSettings } from '../job-backend.ts'

const NONE: readonly TaskFailure[] = []

/** A task, and the claim of who has it: there is one worker. What never changes of it is read from what was given, and not copied. */
export class MemoryTask implements Claim {
  data: string
  items: number
  runAt: number
  status: TaskStatus
  /** Where the index has it. */
  place = -1
  /** Counts its claims: an outcome of an older one does not count. */
  token = 0
  attempts = 0
  /** Milliseconds from when it was made: a small number takes no room of its own, as a time does. -1: not yet. */
  startedAfter = -1
  /** The same. */
  finishedAfter = -1
  failures: readonly TaskFailure[] = NONE

  constructor(
    private readonly given: NewTask,
    /** Tells apart what came in one millisecond. */
    readonly sequence: number,
  ) {
    this.data = given.data
    this.items = given.items
    this.runAt = given.runAt
    this.status = given.runAt === 0 ? 'queued' : 'pending'
  }

  get id(): string {
    return this.given.id
  }

  get queue(): string {
    return this.given.queue
  }

  get level(): Level {
    return this.given.level
  }

  get order(): number {
    return this.given.order
  }

  get createdAt(): number {
    return this.given.createdAt
  }

  get settings(): TaskSettings {
    return this.given.settings
  }

  get uniqueKey(): string | null {
    return this.given.uniqueKey
  }

  get batchId(): string | null {
    return this.given.batchId
  }

  get chunk(): number {
    return this.given.chunk
  }

  get finishedAt(): number | null {
    return this.finishedAfter < 0 ? null : this.given.createdAt + this.finishedAfter
  }

  set finishedAt(at: number | null) {
    this.finishedAfter = at === null ? -1 : Math.max(0, at - this.given.createdAt)
  }

  get crashes(): number {
    return 0
  }

  record(): TaskRecord {
    const { given, data, items, runAt, status, attempts, crashes, startedAfter, failures, finishedAt } = this
    return {
      ...given,
      ...{ data, items, runAt, status, attempts, crashes, failures },
      startedAt: startedAfter < 0 ? null : given.createdAt + startedAfter,
      finishedAt,
    }
  }
}
