import type { SoleWriter } from '../pipeline/sole-writer.ts'
import type { Connection } from '../schema/connection.ts'
import { type CounterReading, readCounter, readFirstCounter } from '../schema/write-counter.ts'
import { setBackgroundTimeout } from '../shared/timers.ts'

/** Polls are sent at least this long before results expire that the previous one proved. */
const EARLY_MS = 100
/** Time after which a poll is repeated that could not prove anything because of transactions in flight. */
const RETRY_MS = 15
const MAX_RETRIES = 5

/** The client whose server is polled. */
export interface PolledSource {
  /** MySQL: databases of the catalog in addition to that of the connection. */
  databases(): readonly string[]
  query(work: (connection: Connection) => Promise<void>): Promise<void>
  /** Compares the schema now if that is due soon, with a poll in the same statement. */
  checkSoon(withinMs: number): Promise<void> | undefined
  /** Monotonic time in milliseconds. */
  now(): number
}

/**
 * Reads the server's counter of transactions while results are requested beyond their time to live, in the
 * statement that compares the schema, if one is due.
 */
export class CounterPolls {
  #timer: NodeJS.Timeout | undefined
  #isRunning = false
  /** Whether the server has a counter; `undefined`: it was not read since the catalog was. */
  #hasCounter: boolean | undefined
  #isUnknown = false
  /** When the latest poll started. */
  #startedAt = Number.NEGATIVE_INFINITY
  /** Changes with each catalog. */
  #era = 0

  constructor(
    private readonly soleWriter: SoleWriter,
    private readonly source: PolledSource,
  ) {
    // Cached results refer to the proof, and must not keep the client alive.
    const polls = new WeakRef(this)
    soleWriter.onRequested = () => {
      const living = polls.deref()
      if (living !== undefined) living.#wake()
    }
  }

  /** Whether a statement that is sent anyway should include a poll. */
  get isDue(): boolean {
    return this.#isRunning && this.#hasCounter === true && this.soleWriter.isRequested(this.source.now())
  }

  /** Called when the catalog was read. */
  start(): void {
    this.stop()
    this.#isRunning = true
    if (this.soleWriter.isRequested(this.source.now())) this.#wake()
  }

  /** Called when the catalog is dropped. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isRunning = false
    this.#hasCounter = undefined
    this.#era += 1
    this.soleWriter.reset()
  }

  /**
   * Call it before a statement that includes a poll is sent. Returns the function to call with its answer.
   */
  begin(): (reading: CounterReading | undefined) => void {
    const era = this.#era
    const busy = this.soleWriter.busy()
    const sentAt = this.source.now()
    return (reading) => {
      if (era !== this.#era) return
      const answeredAt = this.source.now()
      if (reading === undefined) this.soleWriter.refute()
      else this.#isUnknown = this.soleWriter.polled({ reading, sentAt, answeredAt, busy }) === 'unknown'
    }
  }

  get #intervalMs(): number {
    return this.soleWriter.ttlMs - EARLY_MS
  }

  #wake(): void {
    if (this.#timer !== undefined || !this.#isRunning || this.#hasCounter === false) return
    const dueIn = this.#startedAt + this.#intervalMs - this.source.now()
    // The answer serves the next reads of the same request. A process that ends soon has no use for a first
    // poll.
    this.#schedule(this.#hasCounter === undefined ? this.#intervalMs : Math.max(0, dueIn), 0)
  }

  #schedule(ms: number, retries: number): void {
    // The timer keeps neither the process nor the client alive.
    const polls = new WeakRef(this)
    this.#timer = setBackgroundTimeout(() => {
      const living = polls.deref()
      if (living !== undefined) void living.#tick(retries)
    }, ms)
  }

  async #tick(retries: number): Promise<void> {
    const era = this.#era
    const startedAt = this.source.now()
    if (!this.soleWriter.isRequested(startedAt)) {
      this.#timer = undefined
      return
    }
    this.#isUnknown = false
    this.#startedAt = startedAt
    try {
      await this.#poll()
    } catch {
      // The connection was lost, or the client was closed.
      if (era === this.#era) this.soleWriter.reset()
    }
    if (era !== this.#era) return
    if (this.#hasCounter === false) this.#timer = undefined
    else if (this.#isUnknown && retries < MAX_RETRIES) this.#schedule(RETRY_MS, retries + 1)
    else this.#schedule(Math.max(RETRY_MS, startedAt + this.#intervalMs - this.source.now()), 0)
  }

  async #poll(): Promise<void> {
    if (this.#hasCounter === undefined) return this.#first()
    const checking = this.source.checkSoon(2 * EARLY_MS)
    if (checking !== undefined) return checking
    await this.source.query(async (connection) => {
      const answered = this.begin()
      answered(await readCounter(connection))
    })
  }

  async #first(): Promise<void> {
    const era = this.#era
    this.soleWriter.watch()
    let hasCounter = false
    try {
      await this.source.query(async (connection) => {
        const answered = this.begin()
        const reading = await readFirstCounter(connection, this.source.databases())
        hasCounter = reading !== undefined
        if (reading !== undefined) answered(reading)
      })
    } finally {
      // A server without a counter responds with an error.
      if (era === this.#era) this.#hasCounter = hasCounter
    }
  }
}
