/** How one read was served, whether its result is cached, and why. */
export interface ReadExplanation {
  /** Display name: `City.findMany`, or the statement. */
  readonly label: string
  /**
   * - `memory`, `store`: its result was cached, in this process or in the shared store.
   * - `coalesced`: an identical read was in flight.
   * - `prefetch`: it was prefetched for a loop.
   * - `database`: it was queried, individually or in a batch.
   */
  readonly answeredBy: 'memory' | 'store' | 'coalesced' | 'prefetch' | 'database'
  /**
   * Whether the next identical read is served from the cache, unless a write invalidates the result before.
   */
  readonly isCached: boolean
  /** Why it is not cached; omitted if it is. */
  readonly reason?: string
  /**
   * The tags that invalidate it: tables (`#set`), their rows (`#r…`, `#all`), and custom tags (`t:`). Empty
   * if it is not cached.
   */
  readonly tags: readonly string[]
}

/** An explanation in progress: each step records how it handles the read. */
export class ReadNote {
  answeredBy: ReadExplanation['answeredBy'] = 'database'
  #tags: readonly string[] = []
  #isCached = false

  constructor(
    readonly label: string,
    /** The reason that applies until a step records a different one. */
    private reason: string,
  ) {}

  answered(by: ReadExplanation['answeredBy'], tags: readonly string[]): void {
    this.answeredBy = by
    this.cached(tags)
  }

  cached(tags: readonly string[]): void {
    this.#isCached = true
    this.#tags = tags
  }

  notCached(reason: string): void {
    this.#isCached = false
    this.reason = reason
  }

  explanation(): ReadExplanation {
    const { label, answeredBy, reason } = this
    const common = { label, answeredBy }
    return this.#isCached
      ? { ...common, isCached: true, tags: this.#tags }
      : { ...common, isCached: false, reason, tags: [] }
  }
}
