import { ScopeSeries } from './scope-series.ts'

/** Maximum number of names, in case the app creates them from values such as a path. */
const MAX_NAMES = 300
/**
 * One series for all routes: a route each would take its memory, and raise its alerts, some hundred times.
 */
const SOURCE = 'http'
/** Ticks, which are a second each, whose requests the error rate is of. */
const WINDOW = 60
/** Milliseconds below which a tick leaves its requests to the next one. */
const SHORTEST_MS = 500
/** Minimum number of requests for an error rate. */
const MIN_REQUESTS = 20
const FAILED = 500

interface Recording {
  record(value: number): void
}

export interface ScopeMeterParts {
  /** A handle that records values of a metric. */
  readonly meter: (metric: 'requests' | 'responseTime' | 'errorRate', source: string) => Recording
  /** Called every second in which a metric has no value, because there are too few requests. */
  readonly idle: (metric: 'responseTime' | 'errorRate', source: string) => void
  /** Monotonic time in milliseconds. */
  readonly now: () => number
  /** Milliseconds since 1970. */
  readonly wall: () => number
}

interface Meters {
  readonly requests: Recording
  readonly responseTime: Recording
  readonly errorRate: Recording
}

const noRecording: Recording = { record: () => {} }

/** Counts scopes as they end, by name, and records those of HTTP requests as metrics. */
export class ScopeMeter {
  readonly #byName = new Map<string, ScopeSeries>()
  readonly #otherRequests = new ScopeSeries(undefined, 'OTHER (unmatched)')
  readonly #otherScopes = new ScopeSeries(undefined, 'other')
  readonly #requestsOf = new Uint32Array(WINDOW)
  readonly #failuresOf = new Uint32Array(WINDOW)
  #meters: Meters | undefined
  #at = 0
  #tickedAt = 0
  #requests = 0
  #failures = 0

  constructor(private readonly parts: ScopeMeterParts) {}

  /** Every name of which a scope has ended, and what stands for those that are too many. */
  get series(): readonly ScopeSeries[] {
    return [...this.#byName.values(), this.#otherRequests, this.#otherScopes].filter(
      ({ times }) => times.size > 0,
    )
  }

  /**
   * Records the end of a scope. Must be cheap, because it runs for each request.
   *
   * @param status - Status of the HTTP response; `undefined` if there is none.
   * @param failed - Whether the work of the scope failed.
   * @param requestId - Id of the request.
   */
  ended(
    name: string,
    durationMs: number,
    queries: number,
    databaseMs: number,
    status: number | undefined,
    failed: boolean,
    requestId?: string,
  ): void {
    // A clock that was set back is a test's.
    if (!(durationMs >= 0)) return
    const series = this.#byName.get(name) ?? this.#seriesOf(name)
    const isFailed = failed || (status !== undefined && status >= FAILED)
    series.add(durationMs, queries, databaseMs, status ?? 0, isFailed, requestId, this.parts.wall)
    if (series.method === undefined) return
    const meters = this.#meters ?? this.#open()
    meters.responseTime.record(durationMs)
    this.#requests += 1
    if (isFailed) this.#failures += 1
  }

  /** To be called once a second. */
  tick(): void {
    const meters = this.#meters
    const now = this.parts.now()
    const elapsed = now - this.#tickedAt
    // The first request can arrive right before a tick: it would be a rate of 100 per second.
    if (meters === undefined || !(elapsed >= SHORTEST_MS)) return
    this.#tickedAt = now
    // A second without requests is one of 0: they are counted, so that none is missing.
    meters.requests.record((this.#requests * 1_000) / elapsed)
    this.#requestsOf[this.#at] = this.#requests
    this.#failuresOf[this.#at] = this.#failures
    this.#at = (this.#at + 1) % WINDOW
    this.#requests = 0
    this.#failures = 0
    const requests = sum(this.#requestsOf)
    if (requests === 0) this.parts.idle('responseTime', SOURCE)
    if (requests < MIN_REQUESTS) this.parts.idle('errorRate', SOURCE)
    else meters.errorRate.record((sum(this.#failuresOf) / requests) * 100)
  }

  #open(): Meters {
    const { meter, now } = this.parts
    try {
      const [requests, responseTime, errorRate] = [
        meter('requests', SOURCE),
        meter('responseTime', SOURCE),
        meter('errorRate', SOURCE),
      ]
      this.#meters = { requests, responseTime, errorRate }
    } catch {
      // The monitor was closed before its Sluice: no request fails for that.
      this.#meters = { requests: noRecording, responseTime: noRecording, errorRate: noRecording }
    }
    this.#tickedAt = now()
    return this.#meters
  }

  #seriesOf(name: string): ScopeSeries {
    const series = new ScopeSeries(name, name)
    if (this.#byName.size >= MAX_NAMES)
      return series.method === undefined ? this.#otherScopes : this.#otherRequests
    this.#byName.set(name, series)
    return series
  }
}

function sum(values: Uint32Array): number {
  return values.reduce((total, value) => total + value, 0)
}
