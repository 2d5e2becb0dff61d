/** Notifications of one queue are this far apart: PostgreSQL commits them one after the other, over all of its databases. */
const APART_MS = 10

/** Says when other processes are told of a queue: at once, and after that together with what follows closely. */
export class WakeSender {
  readonly #toldAt = new Map<string, number>()
  readonly #due = new Set<string>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #sending: Promise<void> | undefined

  constructor(private readonly send: (queues: readonly string[]) => Promise<void>) {}

  /** @returns Whether to tell of it along with what was done; if not, it is told of a little later. */
  isDue(queue: string): boolean {
    const now = performance.now()
    const told = this.#toldAt.get(queue)
    if (told === undefined || now - told >= APART_MS) {
      this.#toldAt.set(queue, now)
      return true
    }
    this.#due.add(queue)
    if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#flush(), APART_MS)
      this.#timer.unref()
    }
    return false
  }

  /** Tells of what is left. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#flush()
    await this.#sending
  }

  #flush(): void {
    this.#timer = undefined
    const queues = [...this.#due]
    this.#due.clear()
    if (queues.length === 0) return
    const now = performance.now()
    for (const queue of queues) this.#toldAt.set(queue, now)
    // Whoever is not told looks by itself a little later.
    const sent = Promise.all([this.#sending, this.send(queues).catch(() => {})])
    this.#sending = sent.then(() => {})
  }
}
