import { type AdapterHost, isPoolExhausted } from '@sluice/core/siblings'
import type { ClientInternals } from './internal-types.ts'
import { poolStateOf } from './internals.ts'

/** Receives waits: how long each of `count` callers waited, and whether the pool was exhausted when they asked. */
export type ReportWaits = (ms: number, wasExhausted: boolean, count: number) => void

/** After so many requests that found a free connection, they are reported. Whoever reads the pool's state makes that happen sooner. */
const MOST_UNREPORTED = 256

interface KnexPool {
  numFree(): number
  numPendingAcquires(): number
}

/** Reports how long callers wait for a connection. Most find a free one: these are only counted. */
export class PoolWaits {
  #immediate = 0
  report: ReportWaits = () => {}

  constructor(private readonly host: AdapterHost) {}

  /**
   * A connection is requested.
   *
   * @returns The function that reports the end of the wait; `undefined`: there is nothing to wait for.
   */
  request(client: ClientInternals): (() => void) | undefined {
    const { pool } = client as { readonly pool?: Partial<KnexPool> | null }
    if (isKnexPool(pool) && pool.numFree() > 0 && pool.numPendingAcquires() === 0) {
      this.#immediate += 1
      if (this.#immediate >= MOST_UNREPORTED) this.flush()
      return undefined
    }
    const state = poolStateOf(client)
    if (state === undefined) return undefined
    const requestedAt = this.host.now()
    const wasExhausted = isPoolExhausted(state)
    return () => this.report(this.host.now() - requestedAt, wasExhausted, 1)
  }

  /** Reports the requests that found a free connection. */
  flush(): void {
    const count = this.#immediate
    this.#immediate = 0
    if (count > 0) this.report(0, false, count)
  }
}

function isKnexPool(pool: Partial<KnexPool> | null | undefined): pool is KnexPool {
  return typeof pool?.numFree === 'function' && typeof pool.numPendingAcquires === 'function'
}
