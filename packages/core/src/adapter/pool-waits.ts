import { isPoolExhausted, type PoolState } from '../schema/connection.ts'

/**
 * Receives waits: how long each of `count` callers waited, and whether the pool was exhausted when they
 * requested a connection.
 */
type ReportWaits = (ms: number, wasExhausted: boolean, count: number) => void

/** Number of requests after which they are reported. A reader of the pool's state reports them earlier. */
const MOST_UNREPORTED = 256
/** The same for waits, each of which is stored until then. */
const MOST_WAITS = 64

/**
 * Reports how long callers wait for a connection of one pool. Most requests find a free connection: these are
 * only counted.
 */
export class PoolWaits {
  #found = 0
  /** Waits that are not reported yet, in milliseconds, and whether each was for an exhausted pool. */
  readonly #waits: number[] = []
  readonly #exhausted: boolean[] = []

  /** @param now - Monotonic time in milliseconds. */
  constructor(
    private readonly report: ReportWaits,
    private readonly now: () => number,
  ) {}

  /** A caller requested a connection, and a free one was available. */
  found(): void {
    this.#found += 1
    if (this.#found >= MOST_UNREPORTED) this.flush()
  }

  /**
   * Called when a connection is requested.
   *
   * @param state - The state of the pool before that.
   * @returns The function that reports the end of the wait; `undefined` if there is no wait.
   */
  request(state: PoolState): (() => void) | undefined {
    if (state.idle > 0 && state.waiting === 0) {
      this.found()
      return undefined
    }
    const requestedAt = this.now()
    const wasExhausted = isPoolExhausted(state)
    return () => {
      this.#exhausted.push(wasExhausted)
      if (this.#waits.push(this.now() - requestedAt) >= MOST_WAITS) this.flush()
    }
  }

  /** Reports all requests that were not reported yet. */
  flush(): void {
    const count = this.#found
    this.#found = 0
    if (count > 0) this.report(0, false, count)
    const exhausted = this.#exhausted.splice(0)
    for (const [index, ms] of this.#waits.splice(0).entries()) this.report(ms, exhausted[index] === true, 1)
  }
}
