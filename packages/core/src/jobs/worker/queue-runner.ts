import type { BatchRow, StepResult, TaskClaim, TaskOutcome } from '../backends/job-backend.ts'
import type { JobContext } from '../job-context.ts'
import type { TaskEvent } from '../job-events.ts'
import type { QueueState } from '../queues.ts'
import { crashedOutcome, outcomeOf, releasedOutcome } from './outcome-of.ts'
import { Pacer, type Report, RunnerState } from './runner-state.ts'
import { type Ending, TaskRun, type TaskRunHost } from './task-run.ts'

const RETRY_MS = 200
/** Time for which a task without a processor in this process is left to other processes. */
const FOREIGN_MS = 1_000

/** Runs the tasks of one queue. Tasks that end while a step is in flight are reported with the next step. */
export class QueueRunner {
  readonly #state: RunnerState
  readonly #pacer: Pacer
  readonly #host: TaskRunHost
  /** Time until which the backend has to accept released tasks. */
  #deadline = Number.POSITIVE_INFINITY
  readonly #whenQuiet: (() => void)[] = []
  /** Callers that wait for one task. */
  readonly #waiting = new Map<string, (outcome: TaskOutcome | undefined) => void>()

  constructor(
    private readonly queue: QueueState,
    private readonly owner: string,
    private readonly context: JobContext,
    private readonly reports: TaskReports,
  ) {
    const { clock, options, scoped, open } = context
    this.#state = new RunnerState(open.backend.stepsAtOnce ?? 1)
    this.#pacer = new Pacer(clock, () => this.#pump())
    this.#host = {
      graceMs: options.graceMs,
      scoped,
      onProgress: (claim, percent) => reports.progress(claim, percent),
      onEnded: (run, ending) => this.#ended(run, ending),
    }
  }

  /** Claims that are held, for their leases. */
  get claims(): TaskClaim[] {
    return this.#state.claims
  }

  get isActive(): boolean {
    return this.#state.isStarted
  }

  start(): void {
    if (this.#state.isStarted) return
    this.#state.start()
    this.#deadline = Number.POSITIVE_INFINITY
    this.wake()
  }

  /** Claims no more tasks. Running tasks continue. */
  stop(): void {
    this.#state.stop()
    this.#pacer.stop()
  }

  /** There may be something to do. */
  wake(): void {
    this.#state.wake()
    this.#schedule()
  }

  /** Another call to the backend failed. */
  backendFailed(error: unknown): void {
    this.queue.stats.backendFailed(this.context.clock.now(), error)
  }

  abort(id: string, cause: 'cancelled' | 'lost'): void {
    this.#state.running.find(id)?.abort(cause)
    if (cause === 'lost' && this.#state.dropIsolated(id) !== undefined) this.#schedule()
  }

  /** Once nothing runs and all outcomes are taken in. */
  async quiet(): Promise<void> {
    if (this.#state.isQuiet) return
    await new Promise<void>((resolve) => this.#whenQuiet.push(resolve))
  }

  /**
   * Releases the running tasks, so that other workers run them. This does not count as a failure.
   *
   * @returns The number of released tasks.
   */
  async release(): Promise<number> {
    const { clock, options } = this.context
    const { claims, running } = this.#state
    const waiting = this.#state.dropIsolated()
    if (waiting !== undefined) this.#release(waiting, clock.wall())
    for (const run of [...running]) run.abort('shutdown')
    // Tasks that do not stop are released anyway.
    for (const run of [...running]) run.abandon()
    this.#deadline = clock.now() + options.graceMs
    this.#state.release()
    this.#schedule()
    await this.quiet()
    this.#state.released()
    return claims.length
  }

  /** Claims one task and runs it to its end, whether the runner is started or not. */
  async one(): Promise<TaskOutcome | undefined> {
    const { claims } = await this.#step([], 1)
    const [claim] = claims
    if (claim === undefined) return undefined
    return await new Promise<TaskOutcome | undefined>((resolve) => {
      this.#waiting.set(claim.id, resolve)
      this.#claimed(claim, this.context.clock.now(), this.context.clock.wall())
    })
  }

  #step(outcomes: readonly TaskOutcome[], want: number): StepResult | Promise<StepResult> {
    const { open, options } = this.context
    return open.backend.step(this.queue.name, outcomes, want, this.owner, options.leaseMs)
  }

  #schedule(): void {
    if (this.#state.hasFreeStep) this.#pacer.schedule()
  }

  #pump(): void {
    const want = this.#want()
    if (!this.#state.hasReport && want === 0) {
      if (!this.#runIsolated()) this.#rest()
      return
    }
    const report = this.#state.takeReport()
    let result: StepResult | Promise<StepResult>
    try {
      result = this.#step(report.outcomes, want)
    } catch (error) {
      this.#failedStep(report, error)
      return
    }
    if (!(result instanceof Promise)) {
      this.#stepped(report, want, result)
      return
    }
    this.#state.sent(want)
    result.then(
      (stepped) => {
        this.#state.answered(want)
        this.#stepped(report, want, stepped)
      },
      (error) => {
        this.#state.answered(want)
        this.#failedStep(report, error)
      },
    )
    if (this.#state.isFlowing && this.#want() > 0) this.#schedule()
  }

  #want(): number {
    const { rate, maxConcurrency } = this.queue
    const available = rate === undefined ? Number.POSITIVE_INFINITY : rate.available(this.context.clock.now())
    return this.#state.want(maxConcurrency, available)
  }

  #stepped({ outcomes, values }: Report, want: number, result: StepResult): void {
    const { stats, rate } = this.queue
    const { claims, batches, nextAt } = result
    const lost = result.lost.length === 0 ? undefined : new Set(result.lost.map(({ id }) => id))
    for (let at = 0; at < outcomes.length; at += 1) {
      const outcome = outcomes[at] as TaskOutcome
      if (lost?.has(outcome.claim.id) === true) stats.lost += 1
      else this.reports.settled(outcome, values[at])
      if (this.#waiting.size > 0) this.#answer(outcome.claim.id, outcome)
    }
    for (const batch of batches) this.reports.batchEnded(batch)
    // A step without either may only have read.
    if (outcomes.length > 0 || claims.length > 0) stats.backendWorked()
    rate?.take(claims.length)
    this.#state.stepped(want, claims.length)
    if (claims.length > 0) {
      const [now, wall] = [this.context.clock.now(), this.context.clock.wall()]
      for (const claim of claims) this.#claimed(claim, now, wall)
    }
    if (this.#state.hasReport || this.#want() > 0) this.#schedule()
    else if (!this.#runIsolated()) this.#rest(nextAt)
  }

  /** The backend does not respond: outcomes are retained and reported again; otherwise, leases expire. */
  #failedStep(report: Report, error: unknown): void {
    this.#state.putBack(report)
    this.reports.error(error)
    this.backendFailed(error)
    if (this.context.clock.now() < this.#deadline) {
      this.#pacer.delay(RETRY_MS)
      return
    }
    for (const { claim } of this.#state.takeReport().outcomes) this.#answer(claim.id, undefined)
    this.#rest()
  }

  #claimed(claim: TaskClaim, now: number, wall: number): void {
    if (claim.crashes > 0 && this.#isStillRunning(claim)) return
    if (this.#state.isReleasing) {
      this.#release(claim, wall)
      return
    }
    this.queue.stats.started(now, wall - claim.createdAt)
    if (claim.crashes === 0) {
      this.#run(claim, now)
      return
    }
    if (claim.crashes > claim.settings.maxCrashes)
      this.#state.add(crashedOutcome(claim, wall, this.queue.storesDeadLetters), undefined)
    else if (!this.#state.isolate(claim)) this.#release(claim, wall)
    this.#schedule()
  }

  /** This worker's lease may have expired, and it claimed the task again while still running it. */
  #isStillRunning(claim: TaskClaim): boolean {
    const run = this.#state.running.find(claim.id)
    if (run !== undefined) run.claim = claim
    return run !== undefined
  }

  /** @returns Whether a task was started that runs alone. */
  #runIsolated(): boolean {
    const claim = this.#state.takeIsolated()
    if (claim !== undefined) this.#run(claim, this.context.clock.now())
    return claim !== undefined
  }

  #release(claim: TaskClaim, at: number, runAt: number = at): void {
    this.#state.add(releasedOutcome(claim, at, runAt), undefined)
  }

  #run(claim: TaskClaim, now: number): void {
    const callback = this.context.callbacks.get(claim.id)
    const processor = callback ?? this.queue.processor
    if (processor === undefined) {
      const wall = this.context.clock.wall()
      this.#release(claim, wall, wall + FOREIGN_MS)
      this.#schedule()
      return
    }
    const perItem = callback === undefined && this.queue.perItem
    const run = new TaskRun(claim, processor, perItem, this.#host, now)
    this.#state.begin(run)
    this.reports.started(claim)
    run.start()
  }

  #ended(run: TaskRun, ending: Ending): void {
    if (!this.#state.end(run)) return
    const { clock, random } = this.context
    const { stats, storesDeadLetters } = this.queue
    const outcome = outcomeOf(run, ending, clock.wall(), random, storesDeadLetters)
    if (outcome === undefined) {
      stats.lost += 1
      this.#answer(run.claim.id, undefined)
    } else {
      const now = clock.now()
      stats.ended(now, now - run.startedAt, outcome.kind)
      this.#state.add(outcome, ending.kind === 'returned' ? ending.value : undefined)
    }
    this.#schedule()
  }

  #answer(id: string, outcome: TaskOutcome | undefined): void {
    const resolve = this.#waiting.get(id)
    if (resolve === undefined) return
    this.#waiting.delete(id)
    resolve(outcome)
  }

  /** Waits until a task ends, a hint arrives, or the polling interval has passed. */
  #rest(nextAt = Number.POSITIVE_INFINITY): void {
    if (this.#state.isQuiet) for (const resolve of this.#whenQuiet.splice(0)) resolve()
    this.#pacer.stop()
    if (!this.#state.isStarted) return
    const { clock, open, options } = this.context
    const { rate } = this.queue
    const waits = [Math.max(1, nextAt - clock.wall())]
    if (rate !== undefined && !this.#state.isIdle) waits.push(Math.max(1, rate.waitMs()))
    if (open.backend.isShared) waits.push(options.pollMs)
    this.#pacer.rest(Math.min(...waits), () => this.wake())
  }
}

/** Emits the events of tasks that runners report, and stops batch jobs and callbacks that end with them. */
export class TaskReports {
  constructor(private readonly context: JobContext) {}

  started(claim: TaskClaim): void {
    const { events } = this.context
    if (events.has('task:started'))
      events.emit('task:started', { ...eventOf(claim), attempt: claim.attempts + 1 })
  }

  progress(claim: TaskClaim, percent: number): void {
    this.context.events.emit('task:progress', { ...eventOf(claim), percent })
  }

  /**
   * An outcome counted.
   *
   * @param result - The return value of the processor.
   */
  settled(outcome: TaskOutcome, result: unknown): void {
    const { events, batches, callbacks } = this.context
    const { claim, kind, failure } = outcome
    if (callbacks.size > 0 && kind !== 'retry' && kind !== 'release') callbacks.delete(claim.id)
    if (claim.batchId !== null) {
      if (events.has('batch:progress')) events.emit('batch:progress', { batchId: claim.batchId })
      if (outcome.failedItems > 0) batches.stopIfFailed(claim.batchId).catch((error) => this.error(error))
    }
    if (kind === 'done') {
      if (events.has('task:completed')) events.emit('task:completed', { ...eventOf(claim), result })
    } else if (kind === 'cancelled') events.emit('task:cancelled', eventOf(claim))
    else if (failure !== null && kind === 'retry')
      events.emit('task:retry', { ...eventOf(claim), failure, retryAt: outcome.runAt })
    else if (failure !== null && kind === 'dead') events.emit('task:dead', { ...eventOf(claim), failure })
  }

  batchEnded(batch: BatchRow): void {
    this.context.batches.ended(batch)
  }

  error(error: unknown): void {
    this.context.events.emit('error', { error })
  }
}

function eventOf({ id, queue, batchId }: TaskClaim): TaskEvent {
  return { taskId: id, queue, batchId: batchId ?? undefined }
}
