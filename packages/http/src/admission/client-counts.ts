/** Counts what each client has in flight. */
export class ClientCounts {
  readonly #counts = new Map<string, number>()

  constructor(private readonly max: number) {}

  /**
   * @returns A function that releases the count, at most once; `undefined` if the client has reached the
   * limit.
   */
  take(client: string): (() => void) | undefined {
    const count = this.#counts.get(client) ?? 0
    if (count >= this.max) return undefined
    this.#counts.set(client, count + 1)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const left = (this.#counts.get(client) ?? 1) - 1
      if (left === 0) this.#counts.delete(client)
      else this.#counts.set(client, left)
    }
  }
}
