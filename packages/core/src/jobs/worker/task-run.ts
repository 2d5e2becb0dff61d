import { errorMessage } from '../../shared/error-message.ts'
import { setLongTimeout } from '../../shared/timers.ts'
import type { TaskClaim } from '../backends/job-backend.ts'
import { TaskAbortedError, TaskTimeoutError } from '../job-errors.ts'
import type { Processor, TaskContext } from '../processor.ts'

/**
 * The running tasks of a queue. Not a `Set`: after many additions and deletions, a `Set` retains deleted
 * entries until the next major garbage collection.
 */
export class RunningTasks implements Iterable<TaskRun> {
  readonly #runs: TaskRun[] = []

  get size(): number {
    return this.#runs.length
  }

  add(run: TaskRun): void {
    run.place = this.#runs.push(run) - 1
  }

  /** @returns Whether it was there. */
  delete(run: TaskRun): boolean {
    const { place } = run
    if (this.#runs[place] !== run) return false
    const last = this.#runs.pop()
    if (last !== run && last !== undefined) {
      this.#runs[place] = last
      last.place = place
    }
    return true
  }

  find(id: string): TaskRun | undefined {
    return this.#runs.find(({ claim }) => claim.id === id)
  }

  [Symbol.iterator](): IterableIterator<TaskRun> {
    return this.#runs[Symbol.iterator]()
  }
}

const MAX_LINES = 100
const MAX_LINE = 1_000
const NO_LINES: string[] = []

/** How a run ended. */
export type Ending =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'cancelled' | 'shutdown' | 'lost' }

export interface TaskRunHost {
  /** Milliseconds that a processor has to stop after it was aborted. */
  readonly graceMs: number
  /** Runs it in a new scope. */
  readonly scoped: ((name: string, fn: () => unknown) => unknown) | undefined
  readonly onProgress: (claim: TaskClaim, percent: number) => void
  readonly onEnded: (run: TaskRun, ending: Ending) => void
}

/** One attempt at a task. */
export class TaskRun implements TaskContext {
  readonly startedAt: number
  /** Index in its queue. */
  place = -1
  lines: string[] = NO_LINES
  /** Items that failed, by their place. */
  failedItems: Map<number, unknown> | undefined
  /** Items that were processed one by one. */
  doneItems: Set<number> | undefined
  #controller: AbortController | undefined
  #abortedBy: Error | undefined
  #cause: 'cancelled' | 'shutdown' | 'lost' | 'timeout' | undefined
  #isOver = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    /** Replaced if the task was lost and claimed by the same process again. */
    public claim: TaskClaim,
    private readonly processor: Processor,
    /** Whether it receives the items of a batch one by one. */
    private readonly perItem: boolean,
    private readonly host: TaskRunHost,
    now: number,
  ) {
    this.startedAt = now
  }

  get taskId(): string {
    return this.claim.id
  }

  get queue(): string {
    return this.claim.queue
  }

  get attempt(): number {
    return this.claim.attempts + 1
  }

  get batchId(): string | undefined {
    return this.claim.batchId ?? undefined
  }

  get runAs(): string | undefined {
    return this.claim.settings.runAs ?? undefined
  }

  // Made when it is asked for: most processors never look at it.
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abortedBy !== undefined) this.#controller.abort(this.#abortedBy)
    }
    return this.#controller.signal
  }

  // These are taken out of the context, and made when they are.
  get progress(): (percent: number) => void {
    return (percent) => {
      if (!this.#isOver && percent >= 0 && percent <= 100) this.host.onProgress(this.claim, percent)
    }
  }

  get log(): (message: string) => void {
    return (message) => {
      if (this.lines === NO_LINES) this.lines = []
      if (this.lines.length >= MAX_LINES) this.lines.shift()
      this.lines.push(errorMessage(message, MAX_LINE))
    }
  }

  get failItem(): (index: number, error: unknown) => void {
    return (index, error) => this.#failItem(index, error)
  }

  start(): void {
    const { timeoutMs } = this.claim.settings
    if (timeoutMs > 0)
      this.#timer = setLongTimeout(() => this.#stop(new TaskTimeoutError(timeoutMs), 'timeout'), timeoutMs)
    let returned: unknown
    try {
      const { scoped } = this.host
      returned = scoped === undefined ? this.#process() : scoped(this.queue, () => this.#process())
      // A thenable, too, can throw when it is read.
      if (isThenable(returned)) {
        returned.then(
          (value) => this.#returned(value),
          (error) => this.#failed(error),
        )
        return
      }
    } catch (error) {
      this.#failed(error)
      return
    }
    this.#returned(returned)
  }

  /** Aborts the signal of the processor. The run ends when the processor stops, or after the grace period. */
  abort(cause: 'cancelled' | 'shutdown' | 'lost'): void {
    this.#stop(new TaskAbortedError(cause), cause)
  }

  /** Stops waiting for the processor. */
  abandon(): void {
    this.#failed(this.#abortedBy)
  }

  #process(): unknown {
    const data: unknown = JSON.parse(this.claim.data)
    return this.perItem && this.claim.batchId !== null && Array.isArray(data)
      ? this.#eachItem(data)
      : this.processor(data, this)
  }

  #failItem(index: number, error: unknown): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.claim.items) return
    this.failedItems ??= new Map()
    this.failedItems.set(index, error)
  }

  async #eachItem(items: readonly unknown[]): Promise<void> {
    this.doneItems = new Set()
    for (const [index, item] of items.entries()) {
      if (this.#abortedBy !== undefined) throw this.#abortedBy
      try {
        await this.processor(item, this)
        this.doneItems.add(index)
      } catch (error) {
        // Errors of an item after an abort are not failures of the item.
        if (this.#abortedBy !== undefined) throw this.#abortedBy
        this.#failItem(index, error)
      }
    }
  }

  #stop(reason: Error, cause: 'cancelled' | 'shutdown' | 'lost' | 'timeout'): void {
    if (this.#isOver || this.#abortedBy !== undefined) return
    this.#abortedBy = reason
    this.#cause = cause
    clearTimeout(this.#timer)
    this.#timer = setLongTimeout(() => this.#failed(reason), this.host.graceMs)
    this.#controller?.abort(reason)
  }

  #returned(value: unknown): void {
    // Finished work counts, even after a timeout.
    if (this.#cause === 'timeout') this.#failed(this.#abortedBy)
    else this.#end({ kind: 'returned', value })
  }

  #failed(error: unknown): void {
    const cause = this.#cause
    if (cause === undefined || cause === 'timeout')
      this.#end({ kind: 'failed', error: cause === 'timeout' ? this.#abortedBy : error })
    else this.#end({ kind: cause })
  }

  #end(ending: Ending): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    this.host.onEnded(this, ending)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value instanceof Promise ||
    (typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function')
  )
}
