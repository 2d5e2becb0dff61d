/** Every seventeenth scope is timed: a prime number, so that no regular traffic hides behind it. The first ones, whose code is cold, are not. */
const EVERY = 17

/** A stretch counts for so many milliseconds at most: in a longer one, the process most likely waited for a CPU. */
const LONGEST_MS = 1

/**
 * Times what Sluice's own code takes in one scope: what it runs synchronously. The ORM, the driver and the app, which it calls, do not
 * count; neither do the promises, the asynchronous context and the garbage that it causes.
 */
export class OverheadTimer {
  #ms = 0
  #isRunning = false
  #since = 0

  constructor(private readonly now: () => number) {}

  /** Milliseconds so far. */
  get ms(): number {
    return this.#isRunning ? this.#ms + this.now() - this.#since : this.#ms
  }

  /** Counts what was timed otherwise. */
  add(ms: number): void {
    this.#ms += ms
  }

  /** Runs a function of Sluice's own. */
  inside<T>(fn: () => T): T {
    if (this.#isRunning) return fn()
    this.#start()
    try {
      return fn()
    } finally {
      this.#stop()
    }
  }

  /** Runs a function of somebody else: called within `inside`, it stops the clock. */
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

/** What Sluice's own code took, as far as it was timed. */
export interface OverheadSnapshot {
  /** Scopes that have ended. */
  readonly scopes: number
  /** Those of them that were timed. */
  readonly timedScopes: number
  /** Milliseconds that Sluice's own code took in timed scopes. */
  readonly timedMs: number
  /** Milliseconds that timed scopes lasted. */
  readonly timedDurationMs: number
  /** Mean milliseconds of Sluice's own code in a scope; `undefined` before the first timed one. */
  readonly msPerScope: number | undefined
  /** Milliseconds of Sluice's own code in all scopes, estimated from the timed ones. */
  readonly totalMs: number
}

/** Times one scope in some, and sums up. */
export class Overhead {
  #opened = 0
  #scopes = 0
  #timed = 0
  #ms = 0
  #durationMs = 0

  constructor(private readonly now: () => number) {}

  /** A scope is opened. @returns Its timer, where it is timed. */
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
