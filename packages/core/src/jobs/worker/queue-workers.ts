import { randomUUID } from '../../shared/late-modules.ts'
import { MAX_TIMER_MS, setLongInterval, setLongTimeout } from '../../shared/timers.ts'
import type { TaskClaim, WakeHint } from '../backends/job-backend.ts'
import type { JobContext } from '../job-context.ts'
import { NoProcessorError } from '../job-errors.ts'
import type { Task } from '../task.ts'
import { settledTaskView } from '../task-factory.ts'
import { QueueRunner, TaskReports } from './queue-runner.ts'

/** The app's backend may come up a little after the app. */
const REOPEN_MS = 1_000

/** The workers of an engine: one runner for each queue that this process works on. Renews their leases. */
export class QueueWorkers {
  readonly #owner = randomUUID()
  readonly #reports: TaskReports
  readonly #runners = new Map<string, QueueRunner>()
  readonly #stopListening: () => void
  #renewing: ReturnType<typeof setInterval> | undefined
  /** A worker that has been started keeps the process. */
  #holding: ReturnType<typeof setInterval> | undefined
  #isRenewing = false
  #startsAll = false

  constructor(private readonly context: JobContext) {
    this.#reports = new TaskReports(context)
    this.#stopListening = context.open.backend.onWake((hint) => this.#woken(hint))
  }

  /** @throws UnknownQueueError; NoProcessorError for a queue without one. */
  start(queue: string | undefined): void {
    if (queue !== undefined && !this.#canProcess(queue)) throw new NoProcessorError(queue)
    if (queue === undefined) this.#startsAll = true
    this.#startQueues(queue)
  }

  /** A processor was registered, for one queue or for a task of any. */
  registered(queue?: string): void {
    if (this.#startsAll) this.#startQueues(queue)
  }

  /**
   * Runs one attempt of the next task.
   *
   * @throws As `processNextTask`.
   */
  async next(queue: string): Promise<Task | null> {
    const { open } = this.context
    const canProcess = this.#canProcess(queue)
    await open.open()
    if (!canProcess) {
      const { pending, queued, retry } = await open.backend.counts(queue, 1)
      if (pending + queued + retry > 0) throw new NoProcessorError(queue)
      return null
    }
    this.#keepLeases()
    const outcome = await this.#runner(queue).one()
    return outcome === undefined ? null : settledTaskView(outcome)
  }

  /** Whether this process runs tasks of the queue. */
  isActive(queue: string): boolean {
    return this.#runners.get(queue)?.isActive === true
  }

  /**
   * Claims no more tasks, and waits for the running ones.
   *
   * @returns The number of tasks that were released after the timeout.
   */
  async drain(timeoutMs: number): Promise<number> {
    this.#startsAll = false
    const runners = [...this.#runners.values()]
    for (const runner of runners) runner.stop()
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setLongTimeout(() => resolve('late'), timeoutMs)
    })
    const ended = await Promise.race([Promise.all(runners.map((runner) => runner.quiet())), late])
    clearTimeout(timer)
    let released = 0
    if (ended === 'late') for (const runner of runners) released += await runner.release()
    clearInterval(this.#holding)
    this.#holding = undefined
    return released
  }

  close(): void {
    clearInterval(this.#renewing)
    clearInterval(this.#holding)
    this.#renewing = undefined
    this.#holding = undefined
    this.#stopListening()
    for (const runner of this.#runners.values()) runner.stop()
  }

  /** @throws UnknownQueueError. */
  #canProcess(queue: string): boolean {
    return this.context.queues.get(queue).processor !== undefined || this.context.callbacks.size > 0
  }

  #startQueues(queue: string | undefined): void {
    const names = queue === undefined ? this.context.queues.all.map(({ name }) => name) : [queue]
    for (const name of names) this.#startQueue(name)
  }

  #startQueue(name: string): void {
    if (!this.#canProcess(name)) return
    const { open } = this.context
    const runner = this.#runner(name)
    const start = () => {
      if (open.isClosed) return
      this.#hold()
      this.#keepLeases()
      runner.start()
    }
    const opening = open.open()
    if (opening === undefined) start()
    else {
      this.#hold()
      opening.then(start, (error) => {
        this.#reports.error(error)
        setLongTimeout(() => {
          if (!open.isClosed && this.#holding !== undefined) this.#startQueue(name)
        }, REOPEN_MS)
      })
    }
  }

  #runner(name: string): QueueRunner {
    const known = this.#runners.get(name)
    if (known !== undefined) return known
    const runner = new QueueRunner(this.context.queues.get(name), this.#owner, this.context, this.#reports)
    this.#runners.set(name, runner)
    return runner
  }

  /** Keeps the process from now on. */
  #hold(): void {
    this.#holding ??= setLongInterval(() => {}, MAX_TIMER_MS)
  }

  /** Starts renewing leases. */
  #keepLeases(): void {
    const { open, options } = this.context
    if (!open.backend.isShared || this.#renewing !== undefined) return
    this.#renewing = setLongInterval(() => void this.#renew(), options.leaseMs / 3)
    this.#renewing.unref()
  }

  #woken({ queue, cancel }: WakeHint): void {
    if (queue !== undefined && cancel === undefined) this.#runners.get(queue)?.wake()
    else if (cancel === undefined) for (const runner of this.#runners.values()) runner.wake()
    else for (const runner of this.#runners.values()) runner.abort(cancel, 'cancelled')
  }

  async #renew(): Promise<void> {
    if (this.#isRenewing) return
    const held = [...this.#runners.values()].flatMap(({ claims }) => claims)
    if (held.length === 0) return
    this.#isRenewing = true
    const { open, options } = this.context
    try {
      const { lost, cancelled } = await open.backend.renew(held, this.#owner, options.leaseMs)
      this.#abort(lost, 'lost')
      this.#abort(cancelled, 'cancelled')
    } catch (error) {
      for (const { queue } of held) this.#runners.get(queue)?.backendFailed(error)
      this.#reports.error(error)
    } finally {
      this.#isRenewing = false
    }
  }

  #abort(claims: readonly TaskClaim[], cause: 'lost' | 'cancelled'): void {
    for (const { id, queue } of claims) this.#runners.get(queue)?.abort(id, cause)
  }
}
