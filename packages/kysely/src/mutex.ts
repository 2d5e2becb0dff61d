/** Lets callers use something one at a time, in the order of their calls. */
export class Mutex {
  #isTaken = false
  readonly #waiting: (() => void)[] = []

  /**
   * Takes a turn without waiting.
   *
   * @returns A function that ends it; `undefined` if another caller has it.
   */
  take(): (() => void) | undefined {
    if (this.#isTaken) return undefined
    this.#isTaken = true
    return this.#end
  }

  /** @returns A function that ends the caller's turn. Call it once. */
  async next(): Promise<() => void> {
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#isTaken = true
    return this.#end
  }

  readonly #end = (): void => {
    const next = this.#waiting.shift()
    // The turn passes on without being free in between.
    if (next === undefined) this.#isTaken = false
    else next()
  }
}
