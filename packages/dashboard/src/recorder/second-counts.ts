import type { Point } from '../protocol/common.ts'

/** Counts events of the last seconds. */
export class SecondCounts {
  readonly #counts: Float64Array
  readonly #startedAt: number
  #second: number

  /** @param now - Monotonic time in milliseconds, like in all methods. */
  constructor(
    private readonly seconds: number,
    now: number,
  ) {
    this.#counts = new Float64Array(seconds)
    this.#second = Math.floor(now / 1_000)
    this.#startedAt = now
  }

  add(now: number, count: number): void {
    this.#turn(now)
    const at = this.#second % this.seconds
    this.#counts[at] = (this.#counts[at] as number) + count
  }

  total(now: number): number {
    this.#turn(now)
    return this.#counts.reduce((sum, count) => sum + count, 0)
  }

  perSecond(now: number): number {
    return this.total(now) / Math.min(this.seconds, Math.max(1, (now - this.#startedAt) / 1_000))
  }

  #turn(now: number): void {
    const second = Math.floor(now / 1_000)
    if (second <= this.#second) return
    const passed = Math.min(this.seconds, second - this.#second)
    for (let i = 1; i <= passed; i += 1) this.#counts[(this.#second + i) % this.seconds] = 0
    this.#second = second
  }
}

const SECONDS = 120

/** Queries per request for each second of the last 2 minutes. Times are milliseconds since 1970. */
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

  /** Points of the completed seconds. */
  points(sinceMs: number): Point[] {
    return this.seconds(sinceMs).map(([at, requests, queries]) => [at, queries / requests] as const)
  }

  /** Requests and queries of the completed seconds. */
  seconds(sinceMs: number): (readonly [at: number, requests: number, queries: number])[] {
    const now = Math.floor(Date.now() / 1_000)
    const from = now - Math.floor(sinceMs / 1_000)
    return this.#seconds.flatMap(({ second, requests, queries }) =>
      second >= from && second < now ? [[second * 1_000, requests, queries] as const] : [],
    )
  }
}
