import { DurationHistogram, REQUEST_BOUNDS_MS } from '../../shared/duration-histogram.ts'
import { requestName } from '../../shared/request-name.ts'

/** The latest value that each bucket counts of those whose request has an id. */
export interface Example {
  readonly requestId: string
  readonly durationMs: number
  /** Milliseconds since 1970. */
  readonly at: number
}

/** How long scopes of one name and status took. */
export class ScopeTimes extends DurationHistogram {
  readonly examples: Example[] = []

  constructor() {
    super(REQUEST_BOUNDS_MS)
  }
}

/** What was seen of the scopes of one name. */
export class ScopeSeries {
  /** `undefined`: they are no HTTP requests. */
  readonly method: string | undefined
  /** `undefined`: none was found. */
  readonly route: string | undefined
  queries = 0
  databaseMs = 0
  failures = 0
  /** By HTTP status; 0 where there was none, and of all that are too many. */
  readonly times: Map<number, ScopeTimes> = new Map()
  #status = -1
  #latest: ScopeTimes | undefined

  /** @param name - `undefined`: it stands for all that are too many. */
  constructor(
    readonly name: string | undefined,
    of: string,
  ) {
    const request = requestName(of)
    this.method = request?.method
    this.route = request?.route
  }

  /** @param wall - Milliseconds since 1970; asked for only where there is an id. */
  add(
    durationMs: number,
    queries: number,
    databaseMs: number,
    status: number,
    failed: boolean,
    requestId: string | undefined,
    wall: () => number,
  ): void {
    this.queries += queries
    this.databaseMs += databaseMs
    if (failed) this.failures += 1
    let times = this.#latest
    if (times === undefined || status !== this.#status) {
      times = this.#timesOf(this.name === undefined ? 0 : status)
      this.#status = status
      this.#latest = times
    }
    const at = times.add(durationMs)
    if (requestId !== undefined) times.examples[at] = { requestId, durationMs, at: wall() }
  }

  #timesOf(status: number): ScopeTimes {
    let times = this.times.get(status)
    if (times === undefined) {
      times = new ScopeTimes()
      this.times.set(status, times)
    }
    return times
  }
}
