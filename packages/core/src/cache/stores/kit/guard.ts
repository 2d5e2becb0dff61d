import { errorMessage } from '../../../shared/error-message.ts'
import { SluiceError } from '../../../shared/errors.ts'
import { isInstance } from '../../../shared/thrown.ts'
import { StoreUnavailableError } from '../cache-store.ts'

/** Number of calls to the server of a store, and how many of them failed. */
export interface StoreCounters {
  /** Commands and scripts that were sent. Reads of one event-loop tick count as one. */
  readonly sent: number
  /** Sent commands and scripts that failed, including timeouts. */
  readonly failed: number
  /** Calls that were rejected immediately because the circuit breaker was open. */
  readonly refused: number
}

export interface GuardOptions {
  /** Name of the store, such as `Redis`, for messages. */
  readonly store: string
  /** Consecutive failures after which the circuit breaker opens. */
  readonly maxFailures: number
  /** How long it stays open before one call is tried. */
  readonly retryAfterMs: number
  /** Whether an error is a reply of a server that works, such as that its memory is full. */
  isReply(error: unknown): boolean
  /** Called when the circuit breaker opens. */
  onBreak(): void
}

/**
 * Lets commands through while the server responds, rejects them while it does not, and converts each failure
 * to an error of Sluice.
 */
export class Guard {
  /** Increases with each connection: the failures of an earlier one do not count. */
  #connection = 0
  #consecutive = 0
  /** When one call may be tried; `undefined`: the circuit breaker is closed. */
  #retryAt: number | undefined
  #isTrying = false
  #closed = false
  #sent = 0
  #failed = 0
  #refused = 0

  constructor(private readonly options: GuardOptions) {}

  get isOpen(): boolean {
    return this.#retryAt !== undefined
  }

  get counters(): StoreCounters {
    return { sent: this.#sent, failed: this.#failed, refused: this.#refused }
  }

  /**
   * @throws StoreUnavailableError if the command fails or is rejected; SluiceError `SLUICE_CLOSED` after
   * `close`.
   */
  run<T>(send: () => Promise<T>): Promise<T> {
    const refusal = this.#refusal()
    if (refusal !== undefined) return Promise.reject(refusal)
    const connection = this.#connection
    const isTrial = this.#retryAt !== undefined
    if (isTrial) this.#isTrying = true
    this.#sent += 1
    return send().then(
      (value) => {
        if (connection === this.#connection) this.#succeeded(isTrial)
        return value
      },
      (error: unknown) => {
        this.#failed += 1
        if (connection !== this.#connection) throw this.#errorFor(error)
        if (this.options.isReply(error)) this.#succeeded(isTrial)
        else this.#failedOnce(isTrial)
        throw this.#errorFor(error)
      },
    )
  }

  /** Like `run`, for calls whose outcome does not show whether the server accepts commands. */
  async pass<T>(send: () => Promise<T>): Promise<T> {
    this.check()
    try {
      return await send()
    } catch (error) {
      throw this.#errorFor(error)
    }
  }

  check(): void {
    if (this.#closed) throw closedError()
  }

  /** Resets the circuit breaker for a new connection: failures of the old connection do not apply to it. */
  reset(): void {
    this.#connection += 1
    this.#succeeded(true)
  }

  close(): void {
    this.#closed = true
  }

  #refusal(): SluiceError | undefined {
    if (this.#closed) return closedError()
    if (this.#retryAt === undefined || (performance.now() >= this.#retryAt && !this.#isTrying))
      return undefined
    this.#refused += 1
    return new StoreUnavailableError(
      this.options.store,
      'its circuit breaker is open after repeated failures.',
    )
  }

  /** While the circuit breaker is open, only the call that was tried closes it. */
  #succeeded(isTrial: boolean): void {
    this.#consecutive = 0
    if (!isTrial) return
    this.#retryAt = undefined
    this.#isTrying = false
  }

  #failedOnce(isTrial: boolean): void {
    this.#consecutive += 1
    const { maxFailures, retryAfterMs, onBreak } = this.options
    if (!isTrial && (this.#retryAt !== undefined || this.#consecutive < maxFailures)) return
    this.#retryAt = performance.now() + retryAfterMs
    this.#isTrying = false
    onBreak()
  }

  #errorFor(error: unknown): SluiceError {
    if (this.#closed) return closedError()
    if (isInstance(error, SluiceError)) return error
    return new StoreUnavailableError(this.options.store, errorMessage(error), error)
  }
}

function closedError(): SluiceError {
  return new SluiceError('SLUICE_CLOSED', 'The cache store is closed. Create a new one for each Sluice.')
}
