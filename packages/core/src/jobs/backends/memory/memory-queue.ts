import { MinHeap } from '../../../shared/heap.ts'
import type { TaskStatus } from '../../task.ts'
import type { QueueCounts, WakeHint } from '../job-backend.ts'
import type { MemoryTask } from './memory-task.ts'

/** Number of unused slots from which the array is shrunk. */
const SPARE = 1_024

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
    if (this.#head > SPARE && this.#head * 2 > this.#items.length) {
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
