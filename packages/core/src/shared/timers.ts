import { AsyncResource } from 'node:async_hooks'
import type { RandomSource } from './random.ts'

/** The longest delay of Node's timers. Longer ones would fire after 1 ms. */
export const MAX_TIMER_MS = 0x7fff_ffff

/** The async context in which this module was loaded. A timer stores the context in which it was created. */
const ROOT = new AsyncResource('SluiceTimer')

/**
 * Like `setTimeout`, for work that no request waits for: the timer does not keep the process alive, nor the
 * request that was being handled, with all its rows.
 */
export function setBackgroundTimeout(run: () => void, ms: number): NodeJS.Timeout {
  return ROOT.runInAsyncScope(() => setLongTimeout(run, ms).unref())
}

/** Like `setTimeout`, for any delay: `Infinity` never fires. Clear it with `clearTimeout`. */
export function setLongTimeout(run: () => void, ms: number): NodeJS.Timeout {
  if (!(ms > MAX_TIMER_MS)) return setTimeout(run, ms)
  const timer = setLongInterval(() => {
    clearInterval(timer)
    run()
  }, ms)
  return timer
}

/**
 * Like `setInterval`, for any delay: `Infinity` never fires. Runs outside the async context of its caller.
 * Clear it with `clearInterval`.
 */
export function setLongInterval(run: () => void, ms: number): NodeJS.Timeout {
  return ROOT.runInAsyncScope(() => startInterval(run, ms))
}

function startInterval(run: () => void, ms: number): NodeJS.Timeout {
  if (!(ms > MAX_TIMER_MS)) return setInterval(run, ms)
  const parts = Math.ceil(ms / MAX_TIMER_MS)
  let left = parts
  return setInterval(
    () => {
      left -= 1
      if (left > 0) return
      left = parts
      run()
    },
    parts === Number.POSITIVE_INFINITY ? MAX_TIMER_MS : ms / parts,
  )
}

/** Like `AbortSignal.timeout`, for any delay. */
export function timeoutSignal(ms: number): AbortSignal {
  if (!(ms > MAX_TIMER_MS)) return AbortSignal.timeout(ms)
  const ending = new AbortController()
  setLongTimeout(() => ending.abort(new DOMException('The operation timed out.', 'TimeoutError')), ms).unref()
  return ending.signal
}

/**
 * A busy-aware timeout consists of this many ticks. A period in which the event loop is blocked counts as one
 * tick at most.
 */
export const TIMEOUT_TICKS = 5

/**
 * Calls `run` after `ms`, like `setTimeout`, but counts any period in which the event loop is blocked as at
 * most 20% of `ms`, and reads first what arrived meanwhile. Does not keep the process alive.
 *
 * @returns Cancels it.
 */
export function setBusyAwareTimeout(ms: number, run: () => void): () => void {
  let left = TIMEOUT_TICKS
  let isOver = false
  const timer = setLongInterval(() => {
    left -= 1
    if (left > 0) return
    clearInterval(timer)
    // Not unref'd: an idle event loop waits for I/O and would run it only with the next event.
    setImmediate(() => {
      if (!isOver) run()
    })
  }, ms / TIMEOUT_TICKS)
  timer.unref()
  return () => {
    isOver = true
    clearInterval(timer)
  }
}

/**
 * Waits for a promise, at most `ms`, by a busy-aware timeout: a result that this process was too busy to read
 * in time is not late.
 *
 * @throws The promise's error; an error with `message` if it has not settled in time.
 */
export function within<T>(
  ms: number,
  promise: PromiseLike<T>,
  message: string = `No response within ${ms} ms.`,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = setBusyAwareTimeout(ms, () => reject(new Error(message)))
    promise.then(resolve, reject).then(cancel)
  })
}

/** Waits, without keeping the process alive; no longer than until the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setLongTimeout(done, ms)
    timer.unref()
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
  })
}

/** Runs a function at an interval, without keeping the process alive, while there is work. */
export class Periodic {
  #timer: ReturnType<typeof setInterval> | undefined

  /** @param run - One run; returns whether another will be needed. */
  constructor(
    private readonly intervalMs: number,
    private readonly run: () => boolean,
  ) {}

  start(): void {
    if (this.#timer !== undefined) return
    this.#timer = setLongInterval(() => {
      if (!this.run()) this.stop()
    }, this.intervalMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/**
 * Runs an asynchronous function repeatedly, one run at a time, at times that the caller sets. Does not keep
 * the process alive.
 */
export class Repeated {
  #timer: ReturnType<typeof setTimeout> | undefined
  #dueAt: number = Number.POSITIVE_INFINITY
  #isRunning = false
  #isClosed = false

  /**
   * @param run - One run. Must not reject. One that is in progress continues after `close`.
   * @param nextAt - When the next run is due, by `now`; `Infinity`: not until `wake` is called.
   */
  constructor(
    private readonly now: () => number,
    private readonly run: () => Promise<void>,
    private readonly nextAt: () => number,
  ) {}

  /** Reads `nextAt` again: the next run may be due at a different time. */
  wake(): void {
    if (this.#isClosed || this.#isRunning) return
    const at = this.nextAt()
    if (this.#timer !== undefined && at === this.#dueAt) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#dueAt = at
    if (at === Number.POSITIVE_INFINITY) return
    this.#timer = setBackgroundTimeout(() => this.#runNow(), Math.max(0, at - this.now()))
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #runNow(): void {
    this.#timer = undefined
    this.#dueAt = Number.POSITIVE_INFINITY
    this.#isRunning = true
    this.run().finally(() => {
      this.#isRunning = false
      this.wake()
    })
  }
}

/** How long to wait before a failed call is retried. */
export interface BackOff {
  /** Milliseconds after the first failure. */
  readonly baseMs: number
  /** Milliseconds at most. */
  readonly maxMs: number
}

/**
 * The wait after consecutive failures: exponential backoff, of which up to half is jitter, so that processes
 * that failed together do not retry together.
 *
 * @param failures - From `1`.
 */
export function backOffMs({ baseMs, maxMs }: BackOff, failures: number, random: RandomSource): number {
  const full = Math.min(maxMs, baseMs * 2 ** (failures - 1))
  return full * (1 - random() / 2)
}
