import { AsyncResource } from 'node:async_hooks'

/** Runs something again and again, never twice at a time, at times that it says itself. Does not keep the process alive. */
export class Repeated {
  /** What runs belongs to nobody's request, whoever woke it. */
  readonly #context = new AsyncResource('SluiceRepeated')
  #timer: ReturnType<typeof setTimeout> | undefined
  #dueAt: number = Number.POSITIVE_INFINITY
  #isRunning = false
  #isClosed = false

  /**
   * @param run - One run. Must not reject.
   * @param nextAt - When the next one is due, by `now`; `Infinity`: not until `wake` is called.
   */
  constructor(
    private readonly now: () => number,
    private readonly run: () => Promise<void>,
    private readonly nextAt: () => number,
  ) {}

  /** The next run may be due at another time than it was. */
  wake(): void {
    if (this.#isClosed || this.#isRunning) return
    const at = this.nextAt()
    if (this.#timer !== undefined && at === this.#dueAt) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#dueAt = at
    if (at === Number.POSITIVE_INFINITY) return
    this.#timer = this.#context.runInAsyncScope(() => setTimeout(() => this.#runNow(), Math.max(0, at - this.now())))
    this.#timer.unref()
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
