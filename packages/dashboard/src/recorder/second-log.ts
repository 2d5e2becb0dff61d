import { kindOfName, type RecordedRequest, thousandths } from './recorded-request.ts'

/** Sums over the HTTP requests that finished within one second, which can be added up across processes. */
export interface SecondFigures {
  /** Start of the second, in milliseconds since 1970. */
  readonly at: number
  readonly requests: number
  readonly queries: number
  readonly databaseMs: number
  readonly durationMs: number
  /** Durations and their numbers of requests. Each differs by at most 2.5% from the measured value. */
  readonly durations: readonly (readonly [ms: number, count: number])[]
}

interface OpenSecond {
  readonly at: number
  requests: number
  queries: number
  databaseMs: number
  durationMs: number
  /** Numbers of requests by bucket: the rounded logarithm of the duration. */
  readonly buckets: Map<number, number>
}

const SECONDS = 120
/** Ratio of two neighboring buckets. */
const STEP = Math.log(1.05)
const LEAST_MS = 0.01

/** Figures of the last seconds with requests. */
export class SecondLog {
  readonly #seconds: OpenSecond[] = []

  add({ name, startedAt, durationMs, queries, databaseMs }: RecordedRequest): void {
    if (kindOfName(name) !== 'request') return
    const second = this.#secondOf(Math.floor((startedAt + durationMs) / 1_000) * 1_000)
    second.requests += 1
    second.queries += queries
    second.databaseMs += databaseMs
    second.durationMs += durationMs
    const bucket = Math.round(Math.log(Math.max(LEAST_MS, durationMs)) / STEP)
    second.buckets.set(bucket, (second.buckets.get(bucket) ?? 0) + 1)
  }

  /**
   * @param from - Milliseconds since 1970.
   * @returns The completed seconds since then, oldest first.
   */
  since(from: number): SecondFigures[] {
    const now = Math.floor(Date.now() / 1_000) * 1_000
    return this.#seconds
      .filter(({ at }) => at >= from && at < now)
      .map(({ buckets, ...sums }) => ({
        ...sums,
        durations: Array.from(
          buckets,
          ([bucket, count]) => [thousandths(Math.exp(bucket * STEP)), count] as const,
        ),
      }))
  }

  #secondOf(at: number): OpenSecond {
    const last = this.#seconds.at(-1)
    // The wall clock can be set back.
    if (last !== undefined && last.at >= at) return last
    const second = { at, requests: 0, queries: 0, databaseMs: 0, durationMs: 0, buckets: new Map() }
    this.#seconds.push(second)
    if (this.#seconds.length > SECONDS) this.#seconds.shift()
    return second
  }
}

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
    this.#advance(now)
    const at = this.#second % this.seconds
    this.#counts[at] = (this.#counts[at] as number) + count
  }

  total(now: number): number {
    this.#advance(now)
    return this.#counts.reduce((sum, count) => sum + count, 0)
  }

  perSecond(now: number): number {
    return this.total(now) / Math.min(this.seconds, Math.max(1, (now - this.#startedAt) / 1_000))
  }

  #advance(now: number): void {
    const second = Math.floor(now / 1_000)
    if (second <= this.#second) return
    const passed = Math.min(this.seconds, second - this.#second)
    for (let i = 1; i <= passed; i += 1) this.#counts[(this.#second + i) % this.seconds] = 0
    this.#second = second
  }
}
