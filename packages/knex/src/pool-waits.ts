import { type AdapterHost, isPoolExhausted } from '@sluice/core/adapter'
import { poolStateOf } from './internals/client.ts'
import type { ClientInternals } from './internals/types.ts'

/**
 * Receives waits: how long each of `count` callers waited, and whether the pool was exhausted when they
 * requested a connection.
 */
export type ReportWaits = (ms: number, wasExhausted: boolean, count: number) => void

/**
 * Number of requests with a free connection after which they are reported. A reader of the pool's state
 * reports them earlier.
 */
const MOST_UNREPORTED = 256

interface KnexPool {
  numFree(): number
  numPendingAcquires(): number
}

/**
 * Reports how long callers wait for a connection. Most requests find a free connection: these are only
 * counted.
 */
export class PoolWaits {
  #immediate = 0
  report: ReportWaits = () => {}

  constructor(private readonly host: AdapterHost) {}

  /**
   * Called when a connection is requested.
   *
   * @returns The function that reports the end of the wait; `undefined` if there is no wait.
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
