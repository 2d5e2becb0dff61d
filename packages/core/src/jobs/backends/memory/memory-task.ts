import type { TaskFailure, TaskStatus } from '../../task.ts'
import type { Claim, Level, NewTask, TaskRecord, TaskSettings } from '../job-backend.ts'

/** A task, and the claim of who has it: there is one worker. */
export class MemoryTask implements Claim {
  readonly id: string
  readonly queue: string
  readonly level: Level
  readonly order: number
  readonly createdAt: number
  readonly settings: TaskSettings
  readonly uniqueKey: string | null
  readonly batchId: string | null
  readonly chunk: number
  data: string
  items: number
  runAt: number
  status: TaskStatus
  /** Counts its claims: an outcome of an older one does not count. */
  token = 0
  attempts = 0
  readonly crashes = 0
  startedAt = 0
  finishedAt = 0
  failures: TaskFailure[] | undefined

  constructor(
    task: NewTask,
    /** Tells apart what came in one millisecond. */
    readonly sequence: number,
  ) {
    this.id = task.id
    this.queue = task.queue
    this.level = task.level
    this.order = task.order
    this.createdAt = task.createdAt
    this.settings = task.settings
    this.uniqueKey = task.uniqueKey
    this.batchId = task.batchId
    this.chunk = task.chunk
    this.data = task.data
    this.items = task.items
    this.runAt = task.runAt
    this.status = task.runAt === 0 ? 'queued' : 'pending'
  }

  record(): TaskRecord {
    const { id, queue, level, order, createdAt, settings, uniqueKey, batchId, chunk, data, items, runAt } = this
    return {
      ...{ id, queue, level, order, createdAt, settings, uniqueKey, batchId, chunk, data, items, runAt },
      status: this.status,
      attempts: this.attempts,
      crashes: this.crashes,
      startedAt: this.startedAt || null,
      finishedAt: this.finishedAt || null,
      failures: this.failures ?? [],
    }
  }
}
