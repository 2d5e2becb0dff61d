import { DurationHistogram, REQUEST_BOUNDS_MS } from '../../shared/duration-histogram.ts'
import { requestName } from '../../shared/request-name.ts'

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
  readonly times: Map<number, DurationHistogram> = new Map()
  #status = -1
  #latest: DurationHistogram | undefined

  /** @param name - `undefined`: it stands for all that are too many. */
  constructor(
    readonly name: string | undefined,
    of: string,
  ) {
    const request = requestName(of)
    this.method = request?.method
    this.route = request?.route
  }

  add(durationMs: number, queries: number, databaseMs: number, status: number, failed: boolean): void {
    this.queries += queries
    this.databaseMs += databaseMs
    if (failed) this.failures += 1
    let times = this.#latest
    if (times === undefined || status !== this.#status) {
      times = this.#timesOf(this.name === undefined ? 0 : status)
      this.#status = status
      this.#latest = times
    }
    times.add(durationMs)
  }

  #timesOf(status: number): DurationHistogram {
    let times = this.times.get(status)
    if (times === undefined) {
      times = new DurationHistogram(REQUEST_BOUNDS_MS)
      this.times.set(status, times)
    }
    return times
  }
}
