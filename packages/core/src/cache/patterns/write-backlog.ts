/** The last value of a key that is not written yet. */
export interface UnwrittenEntry<T> {
  readonly key: string
  readonly value: T
  /** When the first of the values that it replaces was accepted, on the monotonic clock. */
  readonly since: number
  /** Sequence number of that first value among all accepted ones. */
  readonly place: number
  /** Failed attempts to write this value. */
  readonly attempts: number
}

interface Waiting<T> {
  value: T
  readonly accepted: (() => void)[]
  readonly refused: ((error: unknown) => void)[]
}

/**
 * Values that are accepted but not written, oldest first. At most one batch of them is being written. A key
 * has at most one value that waits and one that is being written. If the backlog is full, new keys wait until
 * there is capacity, oldest first.
 */
export class WriteBacklog<T> {
  #queued = new Map<string, UnwrittenEntry<T>>()
  readonly #flying = new Map<string, UnwrittenEntry<T>>()
  readonly #door = new Map<string, Waiting<T>>()
  #lastPlace = 0

  constructor(
    private readonly maxEntries: number,
    private readonly now: () => number,
  ) {}

  /** Number of entries that are not written, including those that are being written. */
  get size(): number {
    return this.#queued.size + this.#flying.size
  }

  get queued(): number {
    return this.#queued.size
  }

  get isFlying(): boolean {
    return this.#flying.size > 0
  }

  get hasWaiting(): boolean {
    return this.#door.size > 0
  }

  /** Sequence number of the last accepted value. */
  get lastPlace(): number {
    return this.#lastPlace
  }

  oldest(): UnwrittenEntry<T> | undefined {
    const [flying] = this.#flying.values()
    const [queued] = this.#queued.values()
    if (flying === undefined || queued === undefined) return flying ?? queued
    return flying.place < queued.place ? flying : queued
  }

  /** The last value of a key that is accepted but not written. */
  get(key: string): UnwrittenEntry<T> | undefined {
    return this.#queued.get(key) ?? this.#flying.get(key)
  }

  /** Resolves when the value is accepted: immediately, unless there is no capacity for another key. */
  add(key: string, value: T): Promise<void> {
    const waiting = this.#door.get(key)
    if (waiting === undefined && this.#admits(key)) {
      this.#accept(key, value)
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      if (waiting !== undefined) waiting.value = value
      const { accepted, refused } = waiting ?? this.#waitAtDoor(key, value)
      accepted.push(resolve)
      refused.push(reject)
    })
  }

  /** Removes the oldest entries, to be written. One batch at a time. */
  take(max: number): readonly UnwrittenEntry<T>[] {
    for (const [key, entry] of this.#queued) {
      if (this.#flying.size >= max) break
      this.#flying.set(key, entry)
      this.#queued.delete(key)
    }
    return [...this.#flying.values()]
  }

  /** The batch is finished. */
  settle(): void {
    this.#flying.clear()
    this.#openDoor()
  }

  /**
   * Puts the entries of the batch that were not written back into their positions. If a newer value of a key
   * was accepted meanwhile, it takes that position.
   */
  putBack(entries: readonly UnwrittenEntry<T>[]): void {
    const queued = new Map<string, UnwrittenEntry<T>>()
    for (const entry of entries) {
      const newer = this.#queued.get(entry.key)
      queued.set(
        entry.key,
        newer === undefined ? entry : { ...newer, since: entry.since, place: entry.place },
      )
    }
    for (const [key, entry] of this.#queued) if (!queued.has(key)) queued.set(key, entry)
    this.#queued = queued
    this.settle()
  }

  /** Rejects the values that wait for capacity. */
  refuseWaiting(error: unknown): void {
    for (const { refused } of this.#door.values()) for (const refuse of refused) refuse(error)
    this.#door.clear()
  }

  #admits(key: string): boolean {
    return this.#queued.has(key) || this.size < this.maxEntries
  }

  #accept(key: string, value: T): void {
    this.#lastPlace += 1
    const known = this.#queued.get(key)
    const { since, place } = known ?? { since: this.now(), place: this.#lastPlace }
    this.#queued.set(key, { key, value, since, place, attempts: 0 })
  }

  #waitAtDoor(key: string, value: T): Waiting<T> {
    const waiting: Waiting<T> = { value, accepted: [], refused: [] }
    this.#door.set(key, waiting)
    return waiting
  }

  #openDoor(): void {
    for (const [key, { value, accepted }] of this.#door) {
      if (!this.#admits(key)) return
      this.#door.delete(key)
      this.#accept(key, value)
      for (const accept of accepted) accept()
    }
  }
}
