import type { RandomSource } from '@sluice/core'

const SAMPLE_MS = 50
/** What the newest sample counts. */
const SMOOTHING = 0.25

/**
 * Refuses a part of the requests when the process is late: none up to the bound, all of them at twice as much. A part, because to refuse all at once and then
 * none swings between idle and late.
 */
export class LoadShedder {
  // Not `monitorEventLoopDelay`: what is under way when it is reset is missing from it, and that is the longest.
  #timer: ReturnType<typeof setTimeout> | undefined
  #dueAt = 0
  #delayMs = 0

  /**
   * @param maxDelayMs - How late timers may be.
   * @param now - Milliseconds.
   */
  constructor(
    private readonly maxDelayMs: number,
    private readonly now: () => number,
    private readonly random: RandomSource = Math.random,
  ) {
    this.#next()
  }

  /** How late timers were of late, in milliseconds. */
  get delayMs(): number {
    return this.#delayMs
  }

  /** Whether a request is to be refused. @param share - The part of the bound that it is refused from. */
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
