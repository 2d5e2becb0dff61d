import type { RandomSource } from '@sluice/core'

const SAMPLE_MS = 50
/** Weight of the newest sample. */
const SMOOTHING = 0.25

/**
 * Rejects a share of the requests while the event loop is delayed: none up to the limit, and all of them at
 * twice the limit. To reject all requests and then none would alternate between idle and overloaded.
 */
export class LoadShedder {
  // Not `monitorEventLoopDelay`: a delay in progress when it is reset is not counted, and that is the longest
  // one.
  #timer: ReturnType<typeof setTimeout> | undefined
  #dueAt = 0
  #delayMs = 0

  /**
   * @param maxDelayMs - Maximum delay of timers.
   * @param now - Returns the time in milliseconds.
   */
  constructor(
    private readonly maxDelayMs: number,
    private readonly now: () => number,
    private readonly random: RandomSource = Math.random,
  ) {
    this.#next()
  }

  /** Smoothed delay of recent timers, in milliseconds. */
  get delayMs(): number {
    return this.#delayMs
  }

  /**
   * Returns whether to reject a request.
   *
   * @param share - Share of the limit from which it is rejected.
   */
  sheds(share = 1): boolean {
    const excess = this.#delayMs / (this.maxDelayMs * share) - 1
    return excess > 0 && this.random() < excess
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #next(): void {
    this.#dueAt = this.now() + SAMPLE_MS
    this.#timer = setTimeout(() => {
      const late = Math.max(0, this.now() - this.#dueAt)
      this.#delayMs += (late - this.#delayMs) * SMOOTHING
      this.#next()
    }, SAMPLE_MS)
    this.#timer.unref()
  }
}
