import { setBusyAwareTimeout } from '../../../shared/timers.ts'
import { StoreUnavailableError } from '../cache-store.ts'

/** Milliseconds before connection attempt number `attempt`. */
export function backoffMs(attempt: number): number {
  return Math.min(25 * 2 ** Math.min(attempt, 6), 1_000)
}

/** Calls that wait until they are released, each with a timeout. */
export class Waiters {
  readonly #waiting = new Set<() => void>()

  /** @throws `late()` if the call is not released in time. */
  wait(ms: number, late: () => Error): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = () => {
        cancel()
        this.#waiting.delete(go)
        resolve()
      }
      const cancel = setBusyAwareTimeout(ms, () => {
        this.#waiting.delete(go)
        reject(late())
      })
      this.#waiting.add(go)
    })
  }

  release(): void {
    for (const go of [...this.#waiting]) go()
  }
}

/** Lets calls that arrive before the first link wait for it, each with a timeout. */
export class FirstLink {
  readonly #waiters = new Waiters()
  #isThere = false
  #failure: unknown

  /** @param store - Name of the store, for messages. */
  constructor(
    private readonly store: string,
    private readonly timeoutMs: number,
  ) {}

  arrived(): void {
    this.#isThere = true
    this.#waiters.release()
  }

  /** Records why the last connection did not lead to a link. */
  failed(error: unknown): void {
    this.#failure = error
  }

  /** @returns `undefined` if there has already been a link. */
  wait(): Promise<void> | undefined {
    if (this.#isThere) return undefined
    return this.#waiters.wait(this.timeoutMs, () =>
      this.#failure instanceof StoreUnavailableError
        ? this.#failure
        : new StoreUnavailableError(this.store, 'there is no connection yet.', this.#failure),
    )
  }
}
