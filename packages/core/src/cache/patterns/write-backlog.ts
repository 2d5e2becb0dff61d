/** The last value of a key that was not written yet. */
export interface UnwrittenEntry<T> {
  readonly key: string
  readonly value: T
  /** When the first of the values that it stands for was accepted, on the monotonic clock. */
  readonly since: number
  /** The place of that first value among all that were accepted. */
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
 * What was accepted and not written, oldest first, with at most one batch of it being written. A key has at most one value that waits and
 * one that is being written. Where it is full, new keys wait at the door, oldest first.
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

  /** Entries that are not written, those that are being written included. */
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

  /** The place of what was accepted last. */
  get lastPlace(): number {
    return this.#lastPlace
  }

  oldest(): UnwrittenEntry<T> | undefined {
    const [flying] = this.#flying.values()
    const [queued] = this.#queued.values()
    if (flying === undefined || queued === undefined) return flying ?? queued
    return flying.place < queued.place ? flying : queued
  }

  /** The last value of a key that was accepted and is not written. */
  get(key: string): UnwrittenEntry<T> | undefined {
    return this.#queued.get(key) ?? this.#flying.get(key)
  }

  /** Resolves when the value is accepted: at once, unless there is no room for another key. */
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

  /** Takes out the oldest, to be written. One batch at a time. */
  take(max: number): readonly UnwrittenEntry<T>[] {
    for (const [key, entry] of this.#queued) {
      if (this.#flying.size >= max) break
      this.#flying.set(key, entry)
      this.#queued.delete(key)
    }
    return [...this.#flying.values()]
  }

  /** The batch is over. */
  settle(): void {
    this.#flying.clear()
    this.#openDoor()
  }

  /** Puts back, where they were, those of the batch that were not written; where a newer value came meanwhile, that one stays in its place. */
  giveBack(entries: readonly UnwrittenEntry<T>[]): void {
    const queued = new Map<string, UnwrittenEntry<T>>()
    for (const entry of entries) {
      const newer = this.#queued.get(entry.key)
      queued.set(entry.key, newer === undefined ? entry : { ...newer, since: entry.since, place: entry.place })
    }
    for (const [key, entry] of this.#queued) if (!queued.has(key)) queued.set(key, entry)
    this.#queued = queued
    this.settle()
  }

  /** Those who wait at the door are refused. */
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
