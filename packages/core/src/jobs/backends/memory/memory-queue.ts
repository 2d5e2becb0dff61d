import { MinHeap } from '../../../shared/heap.ts'
import type { TaskFailure, TaskStatus } from '../../task.ts'
import type {
  NewTask,
  QueueCounts,
  TaskClaim,
  TaskLevel,
  TaskRecord,
  TaskSettings,
  WakeHint,
} from '../job-backend.ts'

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
    const { data, items, runAt, status, attempts, crashes, startedAfter, failures, finishedAt } = this
    const startedAt = startedAfter < 0 ? null : this.createdAt + startedAfter
    return { ...this.added, data, items, runAt, status, attempts, crashes, failures, startedAt, finishedAt }
  }
}

/** Number of unused slots from which the array is shrunk. */
const MAX_UNUSED = 1_024

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
    if (this.#recent.length > MAX_UNUSED && this.#held * 2 < this.#recent.length) this.#compact()
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

/** First in, first out, in an array whose front moves on. */
class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0

  push(item: T): void {
    this.#items.push(item)
  }

  peek(): T | undefined {
    return this.#items[this.#head]
  }

  shift(): T | undefined {
    const item = this.#items[this.#head]
    if (item === undefined) return undefined
    this.#items[this.#head] = undefined
    this.#head += 1
    if (this.#head > MAX_UNUSED && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }
}

type Waiting = 'pending' | 'queued' | 'processing' | 'retry' | 'dead'

function isBefore(left: MemoryTask, right: MemoryTask): boolean {
  return left.order < right.order || (left.order === right.order && left.sequence < right.sequence)
}

/** One queue: what is ready, by level, and what waits for its time. */
export class MemoryQueue {
  isPaused = false
  readonly #levels = [
    new Fifo<MemoryTask>(),
    new Fifo<MemoryTask>(),
    new Fifo<MemoryTask>(),
    new Fifo<MemoryTask>(),
  ] as const
  /** Tasks that were ready before, and return to their position. */
  readonly #returned = new MinHeap<MemoryTask>(isBefore)
  readonly #later = new MinHeap<MemoryTask>((left, right) => left.runAt < right.runAt)
  readonly hint: WakeHint
  readonly #counts = { pending: 0, queued: 0, processing: 0, retry: 0, dead: 0 }

  constructor(name: string) {
    this.hint = { queue: name }
  }

  add(task: MemoryTask): void {
    this.#counts[task.status as Waiting] += 1
    if (task.runAt === 0) this.#levels[task.level].push(task)
    else this.#later.add(task)
  }

  /** Puts back a task that runs again. */
  putBack(task: MemoryTask, status: 'queued' | 'retry', now: number): void {
    this.set(task, task.runAt > now ? status : 'queued')
    if (task.runAt > now) this.#later.add(task)
    else this.#returned.add(task)
  }

  set(task: MemoryTask, status: TaskStatus): void {
    const counts = this.#counts as Record<string, number>
    const before = counts[task.status]
    if (before !== undefined) counts[task.status] = before - 1
    const after = counts[status]
    if (after !== undefined) counts[status] = after + 1
    task.status = status
  }

  /** Returns the next ready task. */
  take(now: number): MemoryTask | undefined {
    if (this.isPaused) return undefined
    this.#promote(now)
    const next = this.#next()
    if (next === undefined) return undefined
    if (this.#returned.peek() === next) this.#returned.shift()
    else this.#levels[next.level].shift()
    return next
  }

  /** When the next task becomes ready that waits for its time. */
  nextAt(): number | undefined {
    for (let task = this.#later.peek(); task !== undefined; task = this.#later.peek()) {
      if (isWaiting(task)) return task.runAt
      this.#later.shift()
    }
    return undefined
  }

  counts(): QueueCounts {
    const next = this.#levels.map((level) => peekQueued(level)).concat(this.#returned.peek())
    const times = next.filter((task) => task !== undefined).map(({ createdAt }) => createdAt)
    return {
      ...this.#counts,
      oldestQueuedAt: times.length === 0 ? null : Math.min(...times),
      isPaused: this.isPaused,
    }
  }

  #promote(now: number): void {
    for (let task = this.#later.peek(); task !== undefined && task.runAt <= now; task = this.#later.peek()) {
      this.#later.shift()
      if (!isWaiting(task)) continue
      this.set(task, 'queued')
      this.#returned.add(task)
    }
  }

  #next(): MemoryTask | undefined {
    let least = peekQueued(this.#returned)
    for (const level of this.#levels) {
      const task = peekQueued(level)
      if (task !== undefined && (least === undefined || isBefore(task, least))) least = task
    }
    return least
  }
}

function isWaiting({ status, runAt }: MemoryTask): boolean {
  return status === 'pending' || status === 'retry' || (status === 'queued' && runAt !== 0)
}

/** Cancelled tasks are still in the list. */
function peekQueued(from: Pick<Fifo<MemoryTask>, 'peek' | 'shift'>): MemoryTask | undefined {
  for (let task = from.peek(); task !== undefined; task = from.peek()) {
    if (task.status === 'queued') return task
    from.shift()
  }
  return undefined
}
