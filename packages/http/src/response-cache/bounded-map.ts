/** A map that evicts the entry that was set longest ago. */
export class BoundedMap<TValue> {
  readonly #entries = new Map<string, TValue>()
  /**
   * Not recreated while it has more keys: to find its first entry, a map iterates over all entries that were
   * deleted before it.
   */
  #oldest = this.#entries.keys()

  constructor(private readonly max: number) {}

  get size(): number {
    return this.#entries.size
  }

  get(key: string): TValue | undefined {
    return this.#entries.get(key)
  }

  set(key: string, value: TValue): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.max) this.#entries.delete(this.#nextOldest())
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  /** New entries are added at the end, so entries that the iterator has passed are deleted. */
  #nextOldest(): string {
    const next = this.#oldest.next()
    if (next.done !== true) return next.value
    this.#oldest = this.#entries.keys()
    return this.#oldest.next().value ?? ''
  }
}
