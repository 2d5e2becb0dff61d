/** A map that forgets what was set longest ago. */
export class BoundedMap<TValue> {
  readonly #entries = new Map<string, TValue>()
  /** Never begun anew while it has more: to find the first entry, a map walks over all that were deleted before it. */
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

  /** Whatever is set goes to the end, so what the iterator has passed is gone. */
  #nextOldest(): string {
    const next = this.#oldest.next()
    if (next.done !== true) return next.value
    this.#oldest = this.#entries.keys()
    return this.#oldest.next().value ?? ''
  }
}
