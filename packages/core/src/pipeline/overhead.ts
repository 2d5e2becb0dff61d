/**
 * Every seventeenth scope is timed. It is a prime number, so that regular patterns of requests do not bias
 * the sample. The first scopes, whose code is cold, are not timed.
 */
const EVERY = 17

/**
 * Maximum milliseconds that a period counts for: in a longer one, the process most likely waited for a CPU.
 */
const LONGEST_MS = 1

/**
 * CPU time that Sluice adds per time of its synchronous code: promises, asynchronous context, garbage and
 * code that is compiled later cost as much again. In benchmarks, 1.2 to 3.8, and typically 2.
 */
const ADDED_PER_MEASURED = 2

/**
 * Estimates the CPU time that Sluice adds to one scope. It times the code that Sluice runs synchronously,
 * without the ORM, the driver and the app, which it calls.
 */
export class OverheadTimer {
  #ms = 0
  #isRunning = false
  #since = 0

  constructor(private readonly now: () => number) {}

  /** Estimated milliseconds so far. */
  get ms(): number {
    return ADDED_PER_MEASURED * (this.#isRunning ? this.#ms + this.now() - this.#since : this.#ms)
  }

  /** Adds time that was measured elsewhere. */
  add(ms: number): void {
    this.#ms += ms
  }

  /** Runs a function of Sluice. */
  inside<T>(fn: () => T): T {
    if (this.#isRunning) return fn()
    this.#start()
    try {
      return fn()
    } finally {
      this.#stop()
    }
  }

  /** Runs a function that is not part of Sluice. If it is called within `inside`, the clock stops. */
  outside<T>(fn: () => T): T {
    if (!this.#isRunning) return fn()
    this.#stop()
    try {
      return fn()
    } finally {
      this.#start()
    }
  }

  #start(): void {
    this.#isRunning = true
    this.#since = this.now()
  }

  #stop(): void {
    this.#ms += Math.min(LONGEST_MS, this.now() - this.#since)
    this.#isRunning = false
  }
}

/** CPU time that Sluice adds, estimated from the time of its code. */
export interface OverheadSnapshot {
  /** Scopes that have ended. */
  readonly scopes: number
  /** Scopes in which Sluice's code was timed. */
  readonly timedScopes: number
  /** Milliseconds that Sluice added to timed scopes. */
  readonly timedMs: number
  /** Total duration of timed scopes, in milliseconds. */
  readonly timedDurationMs: number
  /** Mean milliseconds that Sluice added to a scope; `undefined` before the first timed scope. */
  readonly msPerScope: number | undefined
  /** Milliseconds that Sluice added to all scopes, estimated from the timed ones. */
  readonly totalMs: number
}

/** Times 1 of 17 scopes, and adds up the results. */
export class Overhead {
  #opened = 0
  #scopes = 0
  #timed = 0
  #ms = 0
  #durationMs = 0

  constructor(private readonly now: () => number) {}

  /**
   * A scope is opened.
   *
   * @returns Its timer, if it is timed.
   */
  begin(): OverheadTimer | undefined {
    this.#opened += 1
    return this.#opened % EVERY === 0 ? new OverheadTimer(this.now) : undefined
  }

  /** A scope has ended. */
  end(timer: OverheadTimer | undefined, durationMs: number): void {
    this.#scopes += 1
    if (timer === undefined) return
    this.#timed += 1
    this.#ms += timer.ms
    this.#durationMs += durationMs
  }

  snapshot(): OverheadSnapshot {
    const msPerScope = this.#timed === 0 ? undefined : this.#ms / this.#timed
    return {
      scopes: this.#scopes,
      timedScopes: this.#timed,
      timedMs: this.#ms,
      timedDurationMs: this.#durationMs,
      msPerScope,
      totalMs: (msPerScope ?? 0) * this.#scopes,
    }
  }
}
