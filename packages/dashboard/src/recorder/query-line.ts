import type { Point } from '../protocol/common.ts'

const SECONDS = 120

/** Queries per request by the second, for two minutes. Times are milliseconds since 1970. */
export class QueryLine {
  readonly #seconds: { second: number; requests: number; queries: number }[] = []

  add(at: number, queries: number): void {
    const second = Math.floor(at / 1_000)
    const last = this.#seconds.at(-1)
    if (last !== undefined && last.second >= second) {
      last.requests += 1
      last.queries += queries
      return
    }
    this.#seconds.push({ second, requests: 1, queries })
    if (this.#seconds.length > SECONDS) this.#seconds.shift()
  }

  /** Those of seconds that are over. */
  points(sinceMs: number): Point[] {
    return this.seconds(sinceMs).map(([at, requests, queries]) => [at, queries / requests] as const)
  }

  /** The same as what they are made of: requests, and queries. */
  seconds(sinceMs: number): (readonly [at: number, requests: number, queries: number])[] {
    const now = Math.floor(Date.now() / 1_000)
    const from = now - Math.floor(sinceMs / 1_000)
    return this.#seconds.flatMap(({ second, requests, queries }) =>
      second >= from && second < now ? [[second * 1_000, requests, queries] as const] : [],
    )
  }
}
