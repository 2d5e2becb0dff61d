import type { Clock } from '../../shared/clock.ts'
import { SluiceError } from '../../shared/errors.ts'
import type { RandomSource } from '../../shared/random.ts'
import { type BackOff, backOffMs, setLongTimeout, within } from '../../shared/timers.ts'

/** Scales the workers. */
export interface ScalerTarget {
  /** Workers that run or are starting; those that are to stop do not count. */
  current(): number | Promise<number>
  /**
   * Sees to it that there are so many workers. Called one at a time, and again where it failed; the number is
   * absolute, so that twice is once.
   *
   * @param signal - Aborted when another number is wanted meanwhile, or when it took too long.
   */
  scaleTo(count: number, reason: string, signal: AbortSignal): Promise<void>
  /** Limits of the target, if it knows them beforehand. */
  admit?(count: number): Admission
  /**
   * Stops everything that it started. Call it yourself: closing a Sluice does not close its target, whose
   * workers can continue to run.
   */
  close?(): Promise<void>
}

/** How many of the workers that are wanted a target can bring about. */
export interface Admission {
  readonly count: number
  /** Why not all of them. */
  readonly reason?: string
}

/** A target did not bring about the workers that were wanted. */
export class ScalingFailedError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('SLUICE_SCALING_FAILED', message, options)
  }
}

const BACK_OFF: BackOff = { baseMs: 1000, maxMs: 30_000 }
/** How long to wait for an aborted call. */
const STOP_MS = 1000
const CURRENT_MS = 5000

/** A failed call of a target. */
export interface ScalingFailure {
  readonly error: unknown
  /** `undefined` for the call that returns the number. */
  readonly desired: number | undefined
  /** Failures in a row. */
  readonly failures: number
  readonly retryInMs: number
}

interface ExecutorParts {
  readonly target: ScalerTarget
  readonly timeoutMs: number
  readonly clock: Clock
  readonly random: RandomSource
  onFailed(failure: ScalingFailure): void
  onDone(desired: number): void
}

interface Wish {
  readonly desired: number
  readonly reason: string
}

/**
 * Has a target carry out what was decided: the newest decision, one call at a time, and again until it is
 * done.
 */
export class ScalingExecutor {
  #wish: Wish | undefined
  #isRunning = false
  #isClosed = false
  #running: AbortController | undefined
  #failures = 0
  #currentFailures = 0
  #retryAt = Number.NEGATIVE_INFINITY
  #wake: (() => void) | undefined
  /** The last number that was reached, if it is known. */
  #done: number | undefined

  constructor(private readonly parts: ExecutorParts) {}

  /** Whether something that was decided is not done yet. */
  get isBusy(): boolean {
    return this.#isRunning
  }

  /** Never throws, and does not wait. */
  request(desired: number, reason: string): void {
    if (this.#isClosed) return
    const isOther = this.#wish?.desired !== desired
    this.#wish = { desired, reason }
    if (isOther) this.#running?.abort(new Error('Superseded: a different number of workers is required.'))
    if (!this.#isRunning) void this.#run()
  }

  /**
   * How many workers there are.
   *
   * @returns `undefined` where the target does not say.
   */
  async current(): Promise<number | undefined> {
    const { clock } = this.parts
    if (clock.now() < this.#retryAt) return undefined
    try {
      const count = await within(
        CURRENT_MS,
        call(() => this.parts.target.current()),
      )
      if (!Number.isInteger(count) || count < 0)
        throw new ScalingFailedError(
          `The target reported ${String(count)} workers. Expected an integer of at least 0.`,
        )
      this.#currentFailures = 0
      return count
    } catch (error) {
      this.#currentFailures += 1
      const retryInMs = backOffMs(BACK_OFF, this.#currentFailures, this.parts.random)
      this.#retryAt = clock.now() + retryInMs
      this.parts.onFailed({ error, desired: undefined, failures: this.#currentFailures, retryInMs })
      return undefined
    }
  }

  close(): void {
    this.#isClosed = true
    this.#wish = undefined
    this.#running?.abort(new Error('Closed.'))
    this.#wake?.()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    for (let wish = this.#wish; wish !== undefined; wish = this.#wish) {
      const outcome = await this.#carryOut(wish)
      if (this.#isClosed) break
      if (outcome === 'done') {
        this.#failures = 0
        this.parts.onDone(wish.desired)
        if (this.#wish?.desired === wish.desired) this.#wish = undefined
      } else if (outcome !== 'superseded') await this.#backOff(outcome.error, wish)
    }
    this.#isRunning = false
  }

  async #carryOut({ desired, reason }: Wish): Promise<'done' | 'superseded' | { readonly error: unknown }> {
    const running = new AbortController()
    this.#running = running
    const { timeoutMs, target } = this.parts
    const done = call(() => target.scaleTo(desired, reason, running.signal))
    const stopped = stopOf(running.signal)
    try {
      await Promise.race([within(timeoutMs, done), stopped.promise])
      this.#done = desired
      return 'done'
    } catch (error) {
      const isSuperseded = running.signal.aborted
      running.abort(error)
      this.#repair(desired, done)
      return isSuperseded ? 'superseded' : { error }
    } finally {
      stopped.forget()
      this.#running = undefined
    }
  }

  /** An abandoned call can still finish, and set a number of workers that is no longer required. */
  #repair(desired: number, late: Promise<void>): void {
    const redo = () => {
      const requested = this.#wish?.desired ?? this.#done
      if (this.#isClosed || requested === undefined || requested === desired) return
      this.request(requested, 'An older decision was carried out late.')
    }
    late.then(redo, () => {})
  }

  async #backOff(error: unknown, { desired }: Wish): Promise<void> {
    this.#failures += 1
    const retryInMs = backOffMs(BACK_OFF, this.#failures, this.parts.random)
    this.parts.onFailed({ error, desired, failures: this.#failures, retryInMs })
    await new Promise<void>((resolve) => {
      const timer = setLongTimeout(resolve, retryInMs)
      timer.unref()
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = undefined
  }
}

/** Converts synchronous errors of a target to rejections. */
async function call<T>(run: () => T | PromiseLike<T>): Promise<T> {
  return await run()
}

/** Rejects some time after a signal: for those who do not look at it. */
function stopOf(signal: AbortSignal): { readonly promise: Promise<never>; forget(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined
  let onAbort = () => {}
  const promise = new Promise<never>((_, reject) => {
    onAbort = () => {
      timer = setTimeout(() => reject(signal.reason), STOP_MS)
      timer.unref()
    }
    signal.addEventListener('abort', onAbort, { once: true })
  })
  promise.catch(() => {})
  return {
    promise,
    forget() {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    },
  }
}
