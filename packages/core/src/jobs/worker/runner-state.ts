import type { Clock } from '../../shared/clock.ts'
import { setLongTimeout } from '../../shared/timers.ts'
import type { TaskClaim, TaskOutcome } from '../backends/job-backend.ts'
import { RunningTasks, TaskRun } from './task-run.ts'

/** Outcomes to record in the backend, and the return values of their processors. */
export interface Report {
  readonly outcomes: readonly TaskOutcome[]
  readonly values: readonly unknown[]
}

/**
 * The state of a queue's runner: tasks, steps in flight, and unreported outcomes. Each method that changes it
 * is one transition.
 */
export class RunnerState {
  readonly running: RunningTasks = new RunningTasks()
  /** `releasing`: tasks that were requested before, and arrive now, are released. */
  #phase: 'stopped' | 'started' | 'releasing' = 'stopped'
  /** Steps in flight, and the number of tasks that they request. */
  #steps = 0
  #requested = 0
  /**
   * - `idle`: there was nothing more to claim
   * - `flowing`: the last step returned as many tasks as requested, so there may be enough for several
   *   concurrent steps
   */
  #supply: 'unknown' | 'idle' | 'flowing' = 'unknown'
  /** A hint arrived while a step was in flight. */
  #isWoken = false
  /**
   * A task whose workers died: it waits until nothing else runs, and then runs alone, so that no other task
   * is blamed.
   */
  #isolated: TaskClaim | TaskRun | undefined
  #outcomes: TaskOutcome[] = []
  #values: unknown[] = []

  constructor(private readonly maxSteps: number) {}

  get isStarted(): boolean {
    return this.#phase === 'started'
  }

  get isReleasing(): boolean {
    return this.#phase === 'releasing'
  }

  get isIdle(): boolean {
    return this.#supply === 'idle'
  }

  get isFlowing(): boolean {
    return this.#supply === 'flowing'
  }

  /** Whether another step may be sent. */
  get hasFreeStep(): boolean {
    return this.#steps < this.maxSteps
  }

  get hasReport(): boolean {
    return this.#outcomes.length > 0
  }

  /** Whether no task is held and all outcomes are recorded. */
  get isQuiet(): boolean {
    return this.running.size === 0 && this.#waiting === undefined && !this.hasReport && this.#steps === 0
  }

  get claims(): TaskClaim[] {
    const running = [...this.running].map(({ claim }) => claim)
    return this.#waiting === undefined ? running : [this.#waiting, ...running]
  }

  start(): void {
    this.#phase = 'started'
  }

  stop(): void {
    if (this.#phase === 'started') this.#phase = 'stopped'
  }

  release(): void {
    this.#phase = 'releasing'
  }

  released(): void {
    if (this.#phase === 'releasing') this.#phase = 'stopped'
  }

  /** There may be something to claim. */
  wake(): void {
    if (this.#supply === 'idle') this.#supply = 'unknown'
    this.#isWoken = this.#steps > 0
  }

  /**
   * How many tasks to request now.
   *
   * @param available - Number of tasks that the rate allows to start.
   */
  want(concurrency: number, available: number): number {
    if (!this.isStarted || this.isIdle || this.#isolated !== undefined) return 0
    const share = this.isFlowing ? Math.ceil(concurrency / this.maxSteps) : concurrency
    const free = Math.min(share, concurrency - this.running.size - this.#requested)
    return Math.max(0, Math.min(free, available - this.#requested))
  }

  sent(want: number): void {
    this.#steps += 1
    this.#requested += want
  }

  answered(want: number): void {
    this.#steps -= 1
    this.#requested -= want
  }

  /** A step that requested `want` tasks returned `claimed`. */
  stepped(want: number, claimed: number): void {
    if (claimed < want) this.#supply = this.#isWoken ? 'unknown' : 'idle'
    else this.#supply = want > 0 ? 'flowing' : 'unknown'
    this.#isWoken = false
  }

  add(outcome: TaskOutcome, value: unknown): void {
    this.#outcomes.push(outcome)
    this.#values.push(value)
  }

  /** Removes the unreported outcomes, for a step. */
  takeReport(): Report {
    const report = { outcomes: this.#outcomes, values: this.#values }
    this.#outcomes = []
    this.#values = []
    return report
  }

  /** The step failed: its report is the first part of the next one. */
  putBack({ outcomes, values }: Report): void {
    this.#outcomes = outcomes.concat(this.#outcomes)
    this.#values = values.concat(this.#values)
  }

  /** @returns Whether the task will run alone; `false`: another task will, or does. */
  isolate(claim: TaskClaim): boolean {
    if (this.#isolated !== undefined) return false
    this.#isolated = claim
    return true
  }

  /** Removes the task that will run alone, if nothing else is held and released tasks are returned. */
  takeIsolated(): TaskClaim | undefined {
    return this.running.size > 0 || this.hasReport || this.#steps > 0 ? undefined : this.dropIsolated()
  }

  /** Removes the task that waits to run alone. */
  dropIsolated(id: string | undefined = this.#waiting?.id): TaskClaim | undefined {
    const waiting = this.#waiting
    if (waiting === undefined || waiting.id !== id) return undefined
    this.#isolated = undefined
    return waiting
  }

  begin(run: TaskRun): void {
    this.running.add(run)
    if (run.claim.crashes > 0) this.#isolated = run
  }

  /** @returns Whether it was running. */
  end(run: TaskRun): boolean {
    if (!this.running.delete(run)) return false
    if (this.#isolated === run) this.#isolated = undefined
    return true
  }

  get #waiting(): TaskClaim | undefined {
    return this.#isolated instanceof TaskRun ? undefined : this.#isolated
  }
}

/** A loop that never yields delays everything else. */
const MAX_TICK_MS = 5

/** Runs a loop, and yields to the event loop when it has run for long. */
export class Pacer {
  #isScheduled = false
  #startedAt = 0
  #resting: ReturnType<typeof setTimeout> | undefined
  readonly #runs = () => {
    this.#isScheduled = false
    this.run()
  }

  constructor(
    private readonly clock: Clock,
    private readonly run: () => void,
  ) {}

  /** Runs soon, once. */
  schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    if (this.clock.now() - this.#startedAt < MAX_TICK_MS) queueMicrotask(this.#runs)
    else {
      setImmediate(() => {
        this.#startedAt = this.clock.now()
        this.#runs()
      })
    }
  }

  /** Runs after `ms`, and not earlier. */
  delay(ms: number): void {
    this.#isScheduled = true
    setLongTimeout(this.#runs, ms)
  }

  /** Calls `wake` after `ms`, unless `rest` or `stop` is called again. */
  rest(ms: number, wake: () => void): void {
    this.stop()
    if (ms !== Number.POSITIVE_INFINITY) this.#resting = setLongTimeout(wake, ms)
  }

  stop(): void {
    clearTimeout(this.#resting)
  }
}
