import type { ServerResponse } from 'node:http'
import { setLongTimeout } from '@sluice/core/siblings'
import { BoundedMap } from './bounded-map.ts'

/** How long requests do not wait for a response after it turned out not to be cacheable. */
const PASS_MS = 10_000
const MAX_PASSES = 10_000

/** Responses that are being created, by their cache keys. */
export class Flights {
  readonly #open = new Map<string, Promise<void>>()
  readonly #passes = new BoundedMap<number>(MAX_PASSES)

  constructor(private readonly now: () => number) {}

  /** Returns a response in flight, for requests to wait for. */
  of(key: string): Promise<void> | undefined {
    return this.#open.get(key)
  }

  /** Whether responses with this key are known not to be cacheable. */
  isPassed(key: string): boolean {
    return this.now() < (this.#passes.get(key) ?? 0)
  }

  /**
   * Registers that a response is being created, if there is none in flight for the key.
   *
   * @returns A function to call when the response is complete. `willNeverBe`: later responses will probably
   * not be cacheable either.
   */
  begin(key: string): ((willNeverBe: boolean) => void) | undefined {
    if (this.#open.has(key) || this.isPassed(key)) return undefined
    let land = () => {}
    const completed = new Promise<void>((resolve) => {
      land = resolve
    })
    this.#open.set(key, completed)
    return (willNeverBe) => {
      if (willNeverBe) this.#passes.set(key, this.now() + PASS_MS)
      else this.#passes.delete(key)
      if (this.#open.get(key) === completed) this.#open.delete(key)
      land()
    }
  }

  /** Waits for a response in flight, at most for `ms`, and not after the client disconnected. */
  wait(completed: Promise<void>, ms: number, response: ServerResponse): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        response.off('close', done)
        resolve()
      }
      // If the event loop was blocked, the response may be complete already, and the promise resolves within
      // this tick.
      const timer = setLongTimeout(() => setImmediate(done), ms)
      timer.unref()
      response.once('close', done)
      completed.then(done)
    })
  }
}
