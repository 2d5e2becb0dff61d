import { SluiceError, StoreUnavailableError } from '@sluice/core'
import { errorMessage } from '@sluice/core/siblings'
import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleAll,
  type IPolicy,
} from 'cockatiel'

/** Number of Redis calls, and how many of them failed. */
export interface RedisStoreCounters {
  /** Commands and scripts that were sent. Reads of one event-loop tick count as one. */
  readonly sent: number
  /** Sent commands and scripts that failed, including timeouts. */
  readonly failed: number
  /** Calls that were rejected immediately because the circuit breaker was open. */
  readonly refused: number
}

export interface GuardOptions {
  readonly maxFailures: number
  readonly retryAfterMs: number
  /** Called when the circuit breaker opens because Redis has failed too often. */
  onBreak(): void
}

/** Response of Redis. */
type Answer<T> = { readonly value: T } | { readonly refusal: unknown }

/**
 * Lets commands through while Redis responds, rejects them while it does not, and converts each failure to an
 * error of Sluice.
 */
export class Guard {
  #breaker: ConsecutiveBreaker
  #policy: IPolicy & { readonly state: CircuitState }
  #closed = false
  #sent = 0
  #failed = 0
  #refused = 0

  constructor(private readonly options: GuardOptions) {
    this.#breaker = new ConsecutiveBreaker(options.maxFailures)
    this.#policy = this.#newPolicy()
  }

  get isOpen(): boolean {
    return this.#policy.state !== CircuitState.Closed
  }

  get counters(): RedisStoreCounters {
    return { sent: this.#sent, failed: this.#failed, refused: this.#refused }
  }

  /**
   * @throws StoreUnavailableError if the command fails or is rejected; SluiceError `SLUICE_CLOSED` after
   * `close`.
   */
  run<T>(send: () => Promise<T>): Promise<T> {
    const [policy, breaker] = [this.#policy, this.#breaker]
    if (this.#closed || policy.state !== CircuitState.Closed)
      return this.pass(() => this.#throughPolicy(send))
    // The policy's layers cost several promises. While the circuit is closed, only failures pass through
    // them.
    this.#sent += 1
    return send().then(
      (value) => {
        breaker.success()
        return value
      },
      (error: unknown) => {
        this.#failed += 1
        if (isFull(error)) breaker.success()
        else if (policy === this.#policy && policy.state === CircuitState.Closed)
          return this.pass(() => policy.execute(() => Promise.reject<T>(error)))
        return this.pass(() => Promise.reject(error))
      },
    )
  }

  async #throughPolicy<T>(send: () => Promise<T>): Promise<T> {
    const answer = await this.#policy.execute(() => this.#send(send))
    if ('refusal' in answer) throw answer.refusal
    return answer.value
  }

  /** Like `run`, for calls whose outcome does not show whether Redis accepts commands. */
  async pass<T>(send: () => Promise<T>): Promise<T> {
    this.check()
    try {
      return await send()
    } catch (error) {
      this.check()
      if (error instanceof SluiceError) throw error
      if (error instanceof BrokenCircuitError) {
        this.#refused += 1
        throw new StoreUnavailableError(
          'Redis',
          'its circuit breaker is open after repeated failures.',
          error,
        )
      }
      throw new StoreUnavailableError('Redis', errorMessage(error), error)
    }
  }

  check(): void {
    if (this.#closed) throw new SluiceError('SLUICE_CLOSED', 'The cache store is closed.')
  }

  /** Resets the circuit breaker for a new connection: failures of the old connection do not apply to it. */
  reset(): void {
    this.#breaker = new ConsecutiveBreaker(this.options.maxFailures)
    this.#policy = this.#newPolicy()
  }

  close(): void {
    this.#closed = true
  }

  async #send<T>(send: () => Promise<T>): Promise<Answer<T>> {
    this.#sent += 1
    try {
      return { value: await send() }
    } catch (error) {
      this.#failed += 1
      if (isFull(error)) return { refusal: error }
      throw error
    }
  }

  #newPolicy(): IPolicy & { readonly state: CircuitState } {
    const { retryAfterMs, onBreak } = this.options
    const policy = circuitBreaker(handleAll, { halfOpenAfter: retryAfterMs, breaker: this.#breaker })
    policy.onBreak(onBreak)
    return policy
  }
}

/** A server without free memory stores no more entries, but executes all other commands. */
function isFull(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('OOM ')
}
