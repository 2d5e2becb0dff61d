import type { Clock } from '../../shared/clock.ts'
import { randomUUID } from '../../shared/late-modules.ts'
import type { RandomSource } from '../../shared/random.ts'
import { MAX_TIMER_MS, setLongInterval, setLongTimeout } from '../../shared/timers.ts'
import type { JobBackend, TaskClaim, TaskOutcome, WakeHint } from '../backends/job-backend.ts'
import { NoProcessorError } from '../job-errors.ts'
import type { ResolvedJobsOptions } from '../job-options.ts'
import type { OpenBackend } from '../open-backend.ts'
import type { Processor } from '../processor.ts'
import type { QueueState, Queues } from '../queues/queues.ts'
import { type Assigned, QueueRunner, type RunnerEvents } from './queue-runner.ts'
import type { RunParts } from './task-run.ts'

interface PoolParts {
  readonly backend: JobBackend
  readonly owner: string
  readonly leaseMs: number
  readonly onError: (error: unknown) => void
}

/** The runners of a process: starts and stops them, and keeps their leases. */
class WorkerPool {
  readonly #runners = new Map<string, QueueRunner>()
  readonly #stopListening: () => void
  #renewing: ReturnType<typeof setInterval> | undefined
  /** A worker that has been started keeps the process. */
  #holding: ReturnType<typeof setInterval> | undefined
  #isRenewing = false

  constructor(private readonly parts: PoolParts) {
    this.#stopListening = parts.backend.onWake((hint) => this.#woken(hint))
  }

  get(queue: string): QueueRunner | undefined {
    return this.#runners.get(queue)
  }

  add(queue: string, runner: QueueRunner): void {
    this.#runners.set(queue, runner)
  }

  get isStarted(): boolean {
    return this.#holding !== undefined
  }

  /** Keeps the process from now on. */
  hold(): void {
    this.#holding ??= setLongInterval(() => {}, MAX_TIMER_MS)
  }

  start(queue: string): void {
    this.hold()
    this.keepLeases()
    this.#runners.get(queue)?.start()
  }

  /** Starts renewing leases. */
  keepLeases(): void {
    if (!this.parts.backend.isShared || this.#renewing !== undefined) return
    this.#renewing = setLongInterval(() => void this.#renew(), this.parts.leaseMs / 3)
    this.#renewing.unref()
  }

  /**
   * Claims no more tasks, and waits for the running ones.
   *
   * @returns The number of tasks that were released after the timeout.
   */
  async drain(timeoutMs: number): Promise<number> {
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

  #woken({ queue, cancel }: WakeHint): void {
    if (queue !== undefined && cancel === undefined) this.#runners.get(queue)?.wake()
    else if (cancel === undefined) for (const runner of this.#runners.values()) runner.wake()
    else for (const runner of this.#runners.values()) runner.abort(cancel, 'cancelled')
  }

  async #renew(): Promise<void> {
    const { backend, owner, leaseMs, onError } = this.parts
    if (this.#isRenewing) return
    const held = [...this.#runners.values()].flatMap(({ claims }) => claims)
    if (held.length === 0) return
    this.#isRenewing = true
    try {
      const { lost, cancelled } = await backend.renew(held, owner, leaseMs)
      this.#abort(lost, 'lost')
      this.#abort(cancelled, 'cancelled')
    } catch (error) {
      for (const { queue } of held) this.#runners.get(queue)?.backendFailed(error)
      onError(error)
    } finally {
      this.#isRenewing = false
    }
  }

  #abort(claims: readonly TaskClaim[], cause: 'lost' | 'cancelled'): void {
    for (const { id, queue } of claims) this.#runners.get(queue)?.abort(id, cause)
  }
}

/** The app's backend may come up a little after the app. */
const REOPEN_MS = 1_000

interface QueueWorkersParts {
  readonly open: OpenBackend
  readonly queues: Queues
  readonly options: ResolvedJobsOptions
  readonly clock: Clock
  readonly random: RandomSource
  readonly scoped: RunParts['scoped']
  /** Processors of single tasks, by their ids. */
  readonly callbacks: ReadonlyMap<string, Processor>
  readonly events: RunnerEvents
}

/** The workers of an engine: one runner for each queue that this process works on. */
export class QueueWorkers {
  readonly #owner = randomUUID()
  readonly #pool: WorkerPool
  #startsAll = false

  constructor(private readonly parts: QueueWorkersParts) {
    const { open, options, events } = parts
    this.#pool = new WorkerPool({
      ...{ backend: open.backend, owner: this.#owner, leaseMs: options.leaseMs },
      onError: (error) => events.error(error),
    })
  }

  /** @throws UnknownQueueError; NoProcessorError for a queue without one. */
  start(queue: string | undefined): void {
    const { queues } = this.parts
    if (queue !== undefined && !this.#canProcess(queue)) throw new NoProcessorError(queue)
    if (queue === undefined) this.#startsAll = true
    for (const name of queue === undefined ? queues.all.map((one) => one.name) : [queue])
      this.#startQueue(name)
  }

  /** A processor was registered, for one queue or for a task of any. */
  registered(queue?: string): void {
    if (!this.#startsAll) return
    for (const { name } of queue === undefined ? this.parts.queues.all : [{ name: queue }])
      this.#startQueue(name)
  }

  /**
   * Runs one attempt of the next task.
   *
   * @throws As `processNextTask`.
   */
  async next(queue: string): Promise<TaskOutcome | undefined> {
    const { open } = this.parts
    const canProcess = this.#canProcess(queue)
    await open.open()
    if (!canProcess) {
      const { pending, queued, retry } = await open.backend.counts(queue, 1)
      if (pending + queued + retry > 0) throw new NoProcessorError(queue)
      return undefined
    }
    this.#pool.keepLeases()
    return await this.#runner(queue).one()
  }

  /** Whether this process runs tasks of the queue. */
  isActive(queue: string): boolean {
    return this.#pool.get(queue)?.isActive === true
  }

  /** @returns How many tasks were released at the end of the time. */
  async drain(timeoutMs: number): Promise<number> {
    this.#startsAll = false
    return await this.#pool.drain(timeoutMs)
  }

  close(): void {
    this.#pool.close()
  }

  /** @throws UnknownQueueError. */
  #canProcess(queue: string): boolean {
    return this.parts.queues.get(queue).processor !== undefined || this.parts.callbacks.size > 0
  }

  #startQueue(name: string): void {
    if (!this.#canProcess(name)) return
    const { open, events } = this.parts
    this.#runner(name)
    const start = () => {
      if (!open.isClosed) this.#pool.start(name)
    }
    const opening = open.open()
    if (opening === undefined) start()
    else {
      this.#pool.hold()
      opening.then(start, (error) => {
        events.error(error)
        setLongTimeout(() => !open.isClosed && this.#pool.isStarted && this.#startQueue(name), REOPEN_MS)
      })
    }
  }

  #runner(name: string): QueueRunner {
    const known = this.#pool.get(name)
    if (known !== undefined) return known
    const { open, queues, options, clock, random, scoped, callbacks, events } = this.parts
    const queue = queues.get(name)
    const { leaseMs, pollMs, graceMs } = options
    const runner = new QueueRunner({
      ...{ queue: name, backend: open.backend, owner: this.#owner, leaseMs, pollMs, graceMs },
      ...{ clock, random, stats: queue.stats, scoped, events },
      storesDeadLetters: () => queue.storesDeadLetters,
      rate: () => queue.rate,
      concurrency: () => queue.maxConcurrency,
      assigned: (claim) => {
        const callback = callbacks.get(claim.id)
        if (callback !== undefined) return { processor: callback, perItem: false }
        return queue.processor === undefined ? undefined : (queue as QueueState & Assigned)
      },
    })
    this.#pool.add(name, runner)
    return runner
  }
}
