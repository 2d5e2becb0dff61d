import type { ServerResponse } from 'node:http'
import { BoundedMap } from './bounded-map.ts'

/** For how long nobody waits for a response that turned out not to be kept. */
const PASS_MS = 10_000
const MAX_PASSES = 10_000

/** Responses that are being made, by what they will be kept under. */
export class Flights {
  readonly #open = new Map<string, Promise<void>>()
  readonly #passes = new BoundedMap<number>(MAX_PASSES)

  constructor(private readonly now: () => number) {}

  /** One that may be waited for. */
  of(key: string): Promise<void> | undefined {
    return this.#open.get(key)
  }

  /** Whether responses like it are known not to be kept. */
  isPassed(key: string): boolean {
    return this.now() < (this.#passes.get(key) ?? 0)
  }

  /**
   * A response begins to be made, if no other is under way.
   *
   * @returns To be called when it is made. `willNeverBe`: others like it will not be kept either, as far as is known.
   */
  begin(key: string): ((willNeverBe: boolean) => void) | undefined {
    if (this.#open.has(key) || this.isPassed(key)) return undefined
    let land = () => {}
    const landed = new Promise<void>((resolve) => {
      land = resolve
    })
    this.#open.set(key, landed)
    return (willNeverBe) => {
      if (willNeverBe) this.#passes.set(key, this.now() + PASS_MS)
      else this.#passes.delete(key)
      if (this.#open.get(key) === landed) this.#open.delete(key)
      land()
    }
  }

  /** Waits for one, for so long, and not for a client that has gone. */
  wait(landed: Promise<void>, ms: number, response: ServerResponse): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        response.off('close', done)
        resolve()
      }
      // Where the process was held up, what is waited for may be over already, and is heard of in this turn.
      const timer = setTimeout(() => setImmediate(done), ms)
      timer.unref()
      response.once('close', done)
      landed.then(done)
    })
  }
}
