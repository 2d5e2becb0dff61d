/** Runs something at an interval, without keeping the process alive, for as long as there is work. */
export class Periodic {
  #timer: ReturnType<typeof setInterval> | undefined

  /** @param run - One run; returns whether another will be needed. */
  constructor(
    private readonly intervalMs: number,
    private readonly run: () => boolean,
  ) {}

  start(): void {
    if (this.#timer !== undefined) return
    this.#timer = setInterval(() => {
      if (!this.run()) this.stop()
    }, this.intervalMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
