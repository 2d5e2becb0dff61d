import { pause, within } from '../../shared/timers.ts'
import type { Alert, AlertChange } from './alert-book.ts'

/**
 * Sends alerts to people. An error is emitted as the event `error`, and the call is retried 3 times; it has
 * no other effect.
 */
export interface Notifier {
  readonly name: string
  /** @param signal - Aborted when Sluice no longer waits for the call. */
  notify(alert: Alert, change: AlertChange, signal: AbortSignal): void | Promise<void>
}

const ATTEMPTS = 4
const WAIT_MS = 1_000
const MAX_WAITING = 1_000

interface Notice {
  readonly alert: Alert
  readonly change: AlertChange
}

/** Delivers notices to one notifier, in order, one at a time. */
class Delivery {
  readonly #waiting: Notice[] = []
  readonly #ending = new AbortController()
  #isBusy = false

  constructor(
    private readonly notifier: Notifier,
    private readonly timeoutMs: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  push(notice: Notice): void {
    this.#waiting.push(notice)
    // The oldest matter least.
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift()
    if (!this.#isBusy) this.#deliver().catch(this.onError)
  }

  /** Drops pending notifications and aborts the running ones. */
  end(): void {
    this.#ending.abort()
  }

  async #deliver(): Promise<void> {
    this.#isBusy = true
    try {
      for (let notice = this.#waiting.shift(); notice !== undefined; notice = this.#waiting.shift())
        await this.#tell(notice)
    } finally {
      this.#isBusy = false
    }
  }

  async #tell(notice: Notice): Promise<void> {
    const { signal } = this.#ending
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        await this.#once(notice)
        return
      } catch (error) {
        if (signal.aborted) return
        this.onError(error)
        if (attempt === ATTEMPTS) return
        await pause(WAIT_MS * 2 ** (attempt - 1), signal)
      }
    }
  }

  async #once({ alert, change }: Notice): Promise<void> {
    const ending = new AbortController()
    const signal = AbortSignal.any([ending.signal, this.#ending.signal])
    const notifying = Promise.resolve(this.notifier.notify(alert, change, signal))
    try {
      await within(
        this.timeoutMs,
        notifying,
        `The notifier "${this.notifier.name}" did not finish within ${this.timeoutMs} ms.`,
      )
    } catch (error) {
      ending.abort(error)
      throw error
    }
  }
}

/** Tells all notifiers. None waits for another. */
export class Notifiers {
  readonly #deliveries = new Set<Delivery>()

  constructor(
    private readonly timeoutMs: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** @returns The function that takes it away. */
  add(notifier: Notifier): () => void {
    const delivery = new Delivery(notifier, this.timeoutMs, this.onError)
    this.#deliveries.add(delivery)
    return () => {
      delivery.end()
      this.#deliveries.delete(delivery)
    }
  }

  tell(alert: Alert, change: AlertChange): void {
    for (const delivery of this.#deliveries) delivery.push({ alert, change })
  }

  close(): void {
    for (const delivery of this.#deliveries) delivery.end()
    this.#deliveries.clear()
  }
}
