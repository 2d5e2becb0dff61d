import { type AdapterHost, isPoolExhausted } from '@sluice/core/siblings'
import type { ClientInternals, PoolEvents } from './internal-types.ts'
import { poolEventsOf, poolStateOf } from './internals.ts'

interface Request {
  readonly at: number
  readonly wasExhausted: boolean
}

/** Tells how long callers wait for a connection, by the events of Knex's pool: to wrap what gets one would cost each query two promises. */
export class PoolWaits {
  #pool: PoolEvents | undefined
  #stop: (() => void) | undefined

  constructor(
    private readonly host: AdapterHost,
    private readonly waited: (ms: number, wasExhausted: boolean) => void,
  ) {}

  /** Listens to the pool that a client has now: one that was destroyed may come back with another. */
  watch(client: ClientInternals): void {
    const pool = poolEventsOf(client)
    if (pool === this.#pool) return
    this.close()
    this.#pool = pool
    if (pool !== undefined) this.#stop = this.#listen(client, pool)
  }

  close(): void {
    this.#stop?.()
    this.#stop = undefined
    this.#pool = undefined
  }

  #listen(client: ClientInternals, pool: PoolEvents): () => void {
    const { host } = this
    const requests = new Map<number, Request>()
    const asked = (id: number) => {
      const state = poolStateOf(client)
      requests.set(id, { at: host.now(), wasExhausted: state !== undefined && isPoolExhausted(state) })
    }
    const answered = (id: number) => {
      const request = requests.get(id)
      if (request === undefined) return
      requests.delete(id)
      this.waited(host.now() - request.at, request.wasExhausted)
    }
    const listeners = [
      ['acquireRequest', asked],
      ['acquireSuccess', answered],
      ['acquireFail', answered],
    ] as const
    for (const [event, listener] of listeners) pool.on(event, listener)
    return () => {
      for (const [event, listener] of listeners) pool.removeListener(event, listener)
    }
  }
}
