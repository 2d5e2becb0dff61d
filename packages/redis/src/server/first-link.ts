import { StoreUnavailableError } from '@sluice/core'
import { setBusyAwareTimeout } from '@sluice/core/siblings'

/** Lets the calls that come before the first link wait for it, each for a time. */
export class FirstLink {
  #isThere = false
  #failure: unknown
  #arrive: () => void = () => {}
  readonly #arrival = new Promise<void>((resolve) => {
    this.#arrive = resolve
  })

  constructor(private readonly timeoutMs: number) {}

  arrived(): void {
    this.#isThere = true
    this.#arrive()
  }

  /** Why the last connection led to none. */
  failed(error: unknown): void {
    this.#failure = error
  }

  async wait(): Promise<void> {
    if (this.#isThere) return
    let arrived: () => void = () => {}
    const late = new Promise<never>((_, reject) => {
      arrived = setBusyAwareTimeout(this.timeoutMs, () =>
        reject(new StoreUnavailableError('Redis', 'there is no connection yet.', this.#failure)),
      )
    })
    try {
      await Promise.race([this.#arrival, late])
    } finally {
      arrived()
    }
  }
}
