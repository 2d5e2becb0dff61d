/** Counts events of the last seconds. */
export class SecondCounts {
  readonly #counts: Float64Array
  readonly #startedAt: number
  #second: number

  /** @param now - Monotonic time in milliseconds, like in all methods. */
  constructor(
    private readonly seconds: number,
    now: number,
  ) {
    this.#counts = new Float64Array(seconds)
    this.#second = Math.floor(now / 1_000)
    this.#startedAt = now
  }

  add(now: number, count: number): void {
    this.#turn(now)
    const at = this.#second % this.seconds
    this.#counts[at] = (this.#counts[at] as number) + count
  }

  total(now: number): number {
    this.#turn(now)
    return this.#counts.reduce((sum, count) => sum + count, 0)
  }

  perSecond(now: number): number {
    return this.total(now) / Math.min(this.seconds, Math.max(1, (now - this.#startedAt) / 1_000))
  }

  #turn(now: number): void {
    const second = Math.floor(now / 1_000)
    if (second <= this.#second) return
    const passed = Math.min(this.seconds, second - this.#second)
    for (let i = 1; i <= passed; i += 1) this.#counts[(this.#second + i) % this.seconds] = 0
    this.#second = second
  }
}
