import { randomUUID } from 'node:crypto'
import type { Clock } from '../../shared/clock.ts'
import type { RandomSource } from '../../shared/random.ts'
import type { Outcome } from '../backends/job-backend.ts'
import { NoProcessorError } from '../job-errors.ts'
import type { ResolvedJobsOptions } from '../job-options.ts'
import type { OpenBackend } from '../open-backend.ts'
import type { Processor } from '../processor.ts'
import type { QueueState, Queues } from '../queues.ts'
import { type Assigned, QueueRunner, type RunnerEvents } from './queue-runner.ts'
import type { RunParts } from './task-run.ts'
import { WorkerPool } from './worker-pool.ts'

/** The app's backend may come up a little after the app. */
const REOPEN_MS = 1_000

export interface QueueWorkersParts {
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
    for (const name of queue === undefined ? queues.all.map((one) => one.name) : [queue]) this.#startQueue(name)
  }

  /** A processor was registered, for one queue or for a task of any. */
  registered(queue?: string): void {
    if (!this.#startsAll) return
    for (const { name } of queue === undefined ? this.parts.queues.all : [{ name: queue }]) this.#startQueue(name)
  }

  /** Runs one attempt of the next task. @throws As `processNextTask`. */
  async next(queue: string): Promise<Outcome | undefined> {
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
        setTimeout(() => !open.isClosed && this.#pool.isStarted && this.#startQueue(name), REOPEN_MS)
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
      keepsDead: () => queue.keepsDead,
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
