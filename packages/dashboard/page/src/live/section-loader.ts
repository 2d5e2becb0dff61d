/** Minimum time between requests, to limit the load on a busy app. */
const LEAST_MS = 1_000

export interface AskerEvents<T> {
  readonly load: (signal: AbortSignal) => Promise<T>
  readonly onAnswer: (answer: T) => void
  readonly onError: (error: Error) => void
}

/**
 * Repeats a request, with at most one in flight and at most one per second. Calls of `wish` during a request
 * are combined into the next one.
 */
export class SectionLoader<T> {
  #isUnderWay = false
  #isWished = false
  #loadedAt = Number.NEGATIVE_INFINITY
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #abort = new AbortController()

  constructor(private readonly events: AskerEvents<T>) {}

  /** @param isUrgent - Whether to send it immediately, without waiting for the minimum time. */
  wish(isUrgent = false): void {
    if (this.#abort.signal.aborted) return
    if (this.#isUnderWay) {
      this.#isWished = true
      return
    }
    const waitMs = isUrgent ? 0 : this.#loadedAt + LEAST_MS - Date.now()
    if (waitMs <= 0) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#load()
    } else this.#timer ??= setTimeout(() => this.#load(), waitMs)
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#abort.abort()
  }

  async #load(): Promise<void> {
    const { signal } = this.#abort
    this.#timer = undefined
    this.#isUnderWay = true
    this.#isWished = false
    this.#loadedAt = Date.now()
    try {
      const answer = await this.events.load(signal)
      if (!signal.aborted) this.events.onAnswer(answer)
    } catch (error) {
      if (!signal.aborted) this.events.onError(error instanceof Error ? error : new Error(String(error)))
    }
    this.#isUnderWay = false
    if (this.#isWished) this.wish()
  }
}
