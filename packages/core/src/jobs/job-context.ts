import { type Clock, systemClock } from '../shared/clock.ts'
import { Emitter } from '../shared/emitter.ts'
import { SluiceError } from '../shared/errors.ts'
import type { RandomSource } from '../shared/random.ts'
import { Periodic } from '../shared/timers.ts'
import { Gate } from './access.ts'
import type { JobBackend } from './backends/job-backend.ts'
import { MemoryBackend } from './backends/memory/memory-backend.ts'
import { Batches } from './batch/batches.ts'
import { type JobEvents, jobEvents } from './job-events.ts'
import { type JobsOptions, type ResolvedJobsOptions, resolveJobsOptions } from './job-options.ts'
import type { Processor } from './processor.ts'
import { Queues } from './queues.ts'

/** Dependencies of a job engine that a Sluice passes to it. */
export interface JobsEngineHost {
  readonly clock?: Clock
  readonly random?: RandomSource
  readonly onError?: (error: unknown, event: PropertyKey) => void
  /** Runs a task in a new scope. */
  readonly scoped?: (name: string, fn: () => unknown) => unknown
}

/** The shared state of the parts of one job engine. */
export class JobContext {
  readonly options: ResolvedJobsOptions
  readonly clock: Clock
  readonly random: RandomSource
  readonly scoped: JobsEngineHost['scoped'] | undefined
  readonly events: Emitter<JobEvents>
  readonly queues: Queues
  readonly batches: Batches
  readonly open: OpenBackend
  readonly gate: Gate
  /** Processors of single tasks, by their ids. */
  readonly callbacks: Map<string, Processor> = new Map()

  /** @throws InvalidOptionError. */
  constructor(options: JobsOptions, host: JobsEngineHost) {
    this.options = resolveJobsOptions(options)
    this.clock = host.clock ?? systemClock
    this.random = host.random ?? Math.random
    this.scoped = host.scoped
    this.events = new Emitter<JobEvents>(jobEvents, host.onError ?? (() => {}))
    const { clock, events } = this
    const backend = options.backend ?? new MemoryBackend()
    const onError = (error: unknown) => events.emit('error', { error })
    this.queues = new Queues(clock)
    this.batches = new Batches(backend, clock, events, this.options.webhooks)
    this.open = new OpenBackend(backend, clock, this.options.retention, onError, () => this.batches.resume())
    this.gate = new Gate(options.authorize, options.audit, () => clock.wall(), onError)
  }
}

/** Milliseconds for which finished batch jobs are retained. */
const MAX_BATCH_AGE_MS = 86_400_000
const TIDY_MS = 30_000
const SLOT_MS = 3_600_000

/** The backend of an engine: opens it with the first use, tidies it while it is open, and closes it. */
export class OpenBackend {
  readonly #tidying = new Periodic(TIDY_MS, () => this.#tidy())
  /** `undefined`: not yet; `true`: it is. */
  #opened: Promise<void> | true | undefined
  #isClosed = false

  constructor(
    readonly backend: JobBackend,
    private readonly clock: Clock,
    private readonly retention: ResolvedJobsOptions['retention'],
    private readonly onError: (error: unknown) => void,
    /** Reports ends of batches that processes left unreported when they ended. */
    private readonly resume: () => void,
  ) {}

  get isOpen(): boolean {
    return this.#opened === true && !this.#isClosed
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /**
   * @returns `undefined`: it is open.
   * @throws JobBackendError.
   */
  open(): Promise<void> | undefined {
    if (this.#opened === true) return undefined
    if (this.#opened !== undefined) return this.#opened
    const opening = this.backend.open()
    this.#tidying.start()
    if (!(opening instanceof Promise)) {
      this.#opened = true
      return undefined
    }
    this.#opened = opening.then(
      () => {
        this.#opened = true
        this.resume()
      },
      (error) => {
        this.#opened = undefined
        throw error
      },
    )
    return this.#opened
  }

  /** @throws SluiceError `SLUICE_CLOSED`. */
  assertOpen(): void {
    if (this.#isClosed)
      throw new SluiceError(
        'SLUICE_CLOSED',
        'The job engine is closed. Close it after everything that uses it.',
      )
  }

  /**
   * Runs it if no other process has for this key.
   *
   * @throws JobBackendError; what it throws.
   */
  async once(key: string, at: number, run: () => unknown): Promise<void> {
    await this.open()
    if (await this.backend.takeSlot(key, this.clock.wall(), at + SLOT_MS)) await run()
  }

  /**
   * No call is accepted from now on.
   *
   * @returns Whether it was open to calls.
   */
  refuse(): boolean {
    if (this.#isClosed) return false
    this.#isClosed = true
    this.#tidying.stop()
    return true
  }

  async close(): Promise<void> {
    if (this.#opened !== undefined) await this.backend.close()
  }

  #tidy(): boolean {
    const tidied = async () => {
      const { maxDeadAgeMs, maxDeadBytes } = this.retention
      const at = this.clock.wall()
      await this.backend.tidy({ maxDeadBytes, maxBatchAgeMs: MAX_BATCH_AGE_MS }, at)
      if (maxDeadAgeMs !== undefined) await this.backend.purge({ before: at - maxDeadAgeMs })
    }
    tidied().catch(this.onError)
    if (this.backend.isDurable) this.resume()
    return !this.#isClosed
  }
}
