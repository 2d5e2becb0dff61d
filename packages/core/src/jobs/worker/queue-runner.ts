import type { Clock } from '../../shared/clock.ts'
import type { RandomSource } from '../../shared/random.ts'
import { setLongTimeout } from '../../shared/timers.ts'
import type { BatchRow, JobBackend, StepResult, TaskClaim, TaskOutcome } from '../backends/job-backend.ts'
import type { Processor } from '../processor.ts'
import type { QueueStats } from '../queues/queue-stats.ts'
import type { RateBucket } from '../queues/queues.ts'
import { crashedOutcome, outcomeOf, releasedOutcome } from './outcome-of.ts'
import { type Ending, RunningTasks, type RunParts, TaskRun } from './task-run.ts'

/** A loop that never yields delays everything else. */
const TURN_MS = 5
const RETRY_MS = 200
/** Time for which a task without a processor in this process is left to other processes. */
const FOREIGN_MS = 1_000

/** The processor of a task. */
export interface Assigned {
  readonly processor: Processor
  readonly perItem: boolean
}

/** Events of a queue. */
export interface RunnerEvents {
  started(claim: TaskClaim): void
  progress(claim: TaskClaim, percent: number): void
  /** It counted. `value`: what the processor returned. */
  settled(outcome: TaskOutcome, value: unknown): void
  batchEnded(batch: BatchRow): void
  error(error: unknown): void
}

export interface RunnerParts {
  readonly queue: string
  readonly backend: JobBackend
  readonly owner: string
  readonly leaseMs: number
  readonly pollMs: number
  readonly graceMs: number
  readonly storesDeadLetters: () => boolean
  readonly clock: Clock
  readonly random: RandomSource
  readonly stats: QueueStats
  readonly rate: () => RateBucket | undefined
  readonly scoped: RunParts['scoped']
  readonly concurrency: () => number
  readonly assigned: (claim: TaskClaim) => Assigned | undefined
  readonly events: RunnerEvents
}

/** Parts of one step. */
interface Sent {
  readonly outcomes: readonly TaskOutcome[]
  readonly values: readonly unknown[]
}

/** Runs the tasks of one queue. Tasks that end while a step is in flight are reported with the next step. */
export class QueueRunner {
  readonly #running = new RunningTasks()
  readonly #runParts: Record<'whole' | 'perItem', RunParts>
  /**
   * Workers died while they ran it: it runs alone, so that no other task is blamed. If there are several, the
   * others are released until then.
   */
  #suspect: TaskClaim | undefined
  /** The one that runs alone. */
  #alone: TaskRun | undefined
  #outcomes: TaskOutcome[] = []
  /** Return values of the processors. */
  #values: unknown[] = []
  #isActive = false
  /** Steps in flight, and the number of tasks that they request. */
  #steps = 0
  #asked = 0
  #isScheduled = false
  /** There was nothing more to claim. */
  #isIdle = false
  /** A hint arrived while the step was in flight. */
  #isWoken = false
  /** The last step returned as many tasks as requested: there may be enough for several concurrent steps. */
  #isFlowing = false
  readonly #maxSteps: number
  #turnAt = 0
  /** Time until which the backend has to accept released tasks. */
  #giveUpAt = Number.POSITIVE_INFINITY
  /** Tasks that were requested before this, and arrive now, are released. */
  #isReleasing = false
  readonly #pumps = () => this.#pump()
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #whenQuiet: (() => void)[] = []
  /** Callers that wait for one task. */
  readonly #waiting = new Map<string, (outcome: TaskOutcome | undefined) => void>()

  constructor(private readonly parts: RunnerParts) {
    const { graceMs, scoped, events, backend } = parts
    this.#maxSteps = backend.stepsAtOnce ?? 1
    const common = {
      ...{ graceMs, scoped },
      onProgress: (claim: TaskClaim, percent: number) => events.progress(claim, percent),
      onEnded: (run: TaskRun, ending: Ending) => this.#ended(run, ending),
    }
    this.#runParts = { whole: { ...common, perItem: false }, perItem: { ...common, perItem: true } }
  }

  /** Claims that are held, for their leases. */
  get claims(): TaskClaim[] {
    const running = [...this.#running].map(({ claim }) => claim)
    return this.#suspect === undefined ? running : [this.#suspect, ...running]
  }

  get isActive(): boolean {
    return this.#isActive
  }

  start(): void {
    if (this.#isActive) return
    this.#isActive = true
    this.#giveUpAt = Number.POSITIVE_INFINITY
    this.wake()
  }

  /** Claims no more tasks. Running tasks continue. */
  stop(): void {
    this.#isActive = false
    clearTimeout(this.#timer)
  }

  /** There may be something to do. */
  wake(): void {
    this.#isIdle = false
    this.#isWoken = this.#steps > 0
    this.#schedule()
  }

  /** Another call to the backend failed. */
  backendFailed(error: unknown): void {
    this.parts.stats.backendFailed(this.parts.clock.now(), error)
  }

  abort(id: string, cause: 'cancelled' | 'lost'): void {
    this.#running.find(id)?.abort(cause)
    if (cause !== 'lost' || this.#suspect?.id !== id) return
    this.#suspect = undefined
    this.#schedule()
  }

  /** Once nothing runs and all outcomes are taken in. */
  async quiet(): Promise<void> {
    if (this.#isQuiet) return
    await new Promise<void>((resolve) => this.#whenQuiet.push(resolve))
  }

  /**
   * Releases the running tasks, so that other workers run them. This does not count as a failure.
   *
   * @returns The number of released tasks.
   */
  async release(): Promise<number> {
    const held = this.claims
    const now = this.parts.clock.wall()
    if (this.#suspect !== undefined) this.#giveBack(this.#suspect, now)
    this.#suspect = undefined
    for (const run of [...this.#running]) run.abort('shutdown')
    // Tasks that do not stop are released anyway.
    for (const run of [...this.#running]) run.giveUp()
    this.#giveUpAt = this.parts.clock.now() + this.parts.graceMs
    this.#isReleasing = true
    this.#schedule()
    await this.quiet()
    this.#isReleasing = false
    return held.length
  }

  /** Claims one task and runs it to its end, whether the runner is started or not. */
  async one(): Promise<TaskOutcome | undefined> {
    const { backend, queue, owner, leaseMs } = this.parts
    const result = await backend.step(queue, [], 1, owner, leaseMs)
    const [claim] = result.claims
    if (claim === undefined) return undefined
    return await new Promise<TaskOutcome | undefined>((resolve) => {
      this.#waiting.set(claim.id, resolve)
      this.#claimed(claim, this.parts.clock.now(), this.parts.clock.wall())
    })
  }

  get #isQuiet(): boolean {
    return (
      this.#running.size === 0 &&
      this.#suspect === undefined &&
      this.#outcomes.length === 0 &&
      this.#steps === 0
    )
  }

  #schedule(): void {
    if (this.#isScheduled || this.#steps >= this.#maxSteps) return
    this.#isScheduled = true
    const now = this.parts.clock.now()
    if (now - this.#turnAt < TURN_MS) queueMicrotask(this.#pumps)
    else {
      setImmediate(() => {
        this.#turnAt = this.parts.clock.now()
        this.#pump()
      })
    }
  }

  #pump(): void {
    this.#isScheduled = false
    const want = this.#want()
    if (this.#outcomes.length === 0 && want === 0) {
      if (!this.#runSuspect()) this.#rest()
      return
    }
    const sent = { outcomes: this.#outcomes, values: this.#values }
    this.#outcomes = []
    this.#values = []
    const { backend, queue, owner, leaseMs } = this.parts
    let result: StepResult | Promise<StepResult>
    try {
      result = backend.step(queue, sent.outcomes, want, owner, leaseMs)
    } catch (error) {
      this.#failedStep(sent, error)
      return
    }
    if (!(result instanceof Promise)) {
      this.#stepped(sent, want, result)
      return
    }
    this.#steps += 1
    this.#asked += want
    const answered = () => {
      this.#steps -= 1
      this.#asked -= want
    }
    result.then(
      (stepped) => {
        answered()
        this.#stepped(sent, want, stepped)
      },
      (error) => {
        answered()
        this.#failedStep(sent, error)
      },
    )
    if (this.#isFlowing && this.#want() > 0) this.#schedule()
  }

  #want(): number {
    if (!this.#isActive || this.#isIdle || this.#suspect !== undefined || this.#alone !== undefined) return 0
    const concurrency = this.parts.concurrency()
    const share = this.#isFlowing ? Math.ceil(concurrency / this.#maxSteps) : concurrency
    const free = Math.min(share, concurrency - this.#running.size - this.#asked)
    const rate = this.parts.rate()
    return Math.max(
      0,
      rate === undefined ? free : Math.min(free, rate.available(this.parts.clock.now()) - this.#asked),
    )
  }

  #stepped({ outcomes, values }: Sent, want: number, result: StepResult): void {
    const { events, stats, clock } = this.parts
    const lost = result.lost.length === 0 ? undefined : new Set(result.lost.map(({ id }) => id))
    for (let at = 0; at < outcomes.length; at += 1) {
      const outcome = outcomes[at] as TaskOutcome
      if (lost?.has(outcome.claim.id) === true) stats.lost += 1
      else events.settled(outcome, values[at])
      if (this.#waiting.size > 0) this.#answer(outcome.claim.id, outcome)
    }
    for (const batch of result.batches) events.batchEnded(batch)
    // A step without either may only have read.
    if (outcomes.length > 0 || result.claims.length > 0) stats.backendWorked()
    this.parts.rate()?.take(result.claims.length)
    this.#isIdle = result.claims.length < want && !this.#isWoken
    this.#isWoken = false
    this.#isFlowing = want > 0 && result.claims.length === want
    if (result.claims.length > 0) {
      const [now, wall] = [clock.now(), clock.wall()]
      for (const claim of result.claims) this.#claimed(claim, now, wall)
    }
    if (this.#outcomes.length > 0 || this.#want() > 0) this.#schedule()
    else if (!this.#runSuspect()) this.#rest(result.nextAt)
  }

  /** The backend does not respond: outcomes are retained and reported again; otherwise, leases expire. */
  #failedStep({ outcomes, values }: Sent, error: unknown): void {
    this.#outcomes = outcomes.concat(this.#outcomes)
    this.#values = values.concat(this.#values)
    this.parts.events.error(error)
    this.backendFailed(error)
    if (this.parts.clock.now() >= this.#giveUpAt) {
      for (const { claim } of this.#outcomes) this.#answer(claim.id, undefined)
      this.#outcomes = []
      this.#values = []
      this.#rest()
      return
    }
    this.#isScheduled = true
    setLongTimeout(() => this.#pump(), RETRY_MS)
  }

  /** This worker's lease may have expired, and it claimed the task again while still running it. */
  #isStillRunning(claim: TaskClaim): boolean {
    const run = this.#running.find(claim.id)
    if (run !== undefined) run.claim = claim
    return run !== undefined
  }

  #claimed(claim: TaskClaim, now: number, wall: number): void {
    if (claim.crashes > 0 && this.#isStillRunning(claim)) return
    if (this.#isReleasing) {
      this.#giveBack(claim, wall)
      return
    }
    this.parts.stats.started(now, wall - claim.createdAt)
    if (claim.crashes > claim.settings.maxCrashes) {
      this.#push(crashedOutcome(claim, wall, this.parts.storesDeadLetters()))
      this.#schedule()
    } else if (claim.crashes === 0) this.#run(claim, now)
    else {
      if (this.#suspect === undefined && this.#alone === undefined) this.#suspect = claim
      else this.#giveBack(claim, wall)
      this.#schedule()
    }
  }

  /**
   * Starts when no other task is held here, and the released ones are returned.
   *
   * @returns Whether it runs.
   */
  #runSuspect(): boolean {
    const claim = this.#suspect
    if (claim === undefined || this.#running.size > 0 || this.#outcomes.length > 0 || this.#steps > 0)
      return false
    this.#suspect = undefined
    this.#run(claim, this.parts.clock.now())
    return true
  }

  #giveBack(claim: TaskClaim, now: number): void {
    this.#push(releasedOutcome(claim, now, now))
  }

  #run(claim: TaskClaim, now: number): void {
    const assigned = this.parts.assigned(claim)
    if (assigned === undefined) {
      const wall = this.parts.clock.wall()
      this.#push(releasedOutcome(claim, wall, wall + FOREIGN_MS))
      this.#schedule()
      return
    }
    const { processor, perItem } = assigned
    const run = new TaskRun(claim, processor, perItem ? this.#runParts.perItem : this.#runParts.whole, now)
    this.#running.add(run)
    if (claim.crashes > 0) this.#alone = run
    this.parts.events.started(claim)
    run.start()
  }

  #ended(run: TaskRun, ending: Ending): void {
    if (!this.#running.delete(run)) return
    if (this.#alone === run) this.#alone = undefined
    const { clock, stats } = this.parts
    const outcome = outcomeOf(run, ending, clock.wall(), this.parts)
    if (outcome === undefined) {
      stats.lost += 1
      this.#answer(run.claim.id, undefined)
    } else {
      const now = clock.now()
      stats.ended(now, now - run.startedAt, outcome.kind)
      this.#push(outcome, ending.kind === 'returned' ? ending.value : undefined)
    }
    this.#schedule()
  }

  #push(outcome: TaskOutcome, value?: unknown): void {
    this.#outcomes.push(outcome)
    this.#values.push(value)
  }

  #answer(id: string, outcome: TaskOutcome | undefined): void {
    const resolve = this.#waiting.get(id)
    if (resolve === undefined) return
    this.#waiting.delete(id)
    resolve(outcome)
  }

  /** Waits until a task ends, a hint arrives, or the polling interval has passed. */
  #rest(nextAt?: number): void {
    if (this.#isQuiet) for (const resolve of this.#whenQuiet.splice(0)) resolve()
    clearTimeout(this.#timer)
    if (!this.#isActive) return
    const { backend, clock, pollMs } = this.parts
    const rate = this.parts.rate()
    const untilNext = nextAt === undefined ? Number.POSITIVE_INFINITY : Math.max(1, nextAt - clock.wall())
    const untilRate =
      rate === undefined || this.#isIdle ? Number.POSITIVE_INFINITY : Math.max(1, rate.waitMs())
    const wait = Math.min(untilNext, untilRate, backend.isShared ? pollMs : Number.POSITIVE_INFINITY)
    if (wait !== Number.POSITIVE_INFINITY) this.#timer = setLongTimeout(() => this.wake(), wait)
  }
}
