import type { Trace, TraceEvent, TraceHeader, TraceLine } from '../../yield/trace.ts'

/** Maximum number of events: about 1.5 MB. */
const MAX_EVENTS = 5_000

/** The last events of a trace, in memory. */
export class TraceWindow {
  #events: TraceEvent[] = []
  /** Events before this one were dropped. */
  #first = 0

  constructor(
    private readonly header: TraceHeader,
    private readonly queries: Trace['queries'],
  ) {}

  add(line: TraceLine): void {
    if (line.type === 'trace' || line.type === 'query' || line.type === 'reason') return
    this.#events.push(line)
    if (this.#events.length - this.#first <= MAX_EVENTS) return
    this.#first += 1
    if (this.#first < MAX_EVENTS) return
    this.#events = this.#events.slice(this.#first)
    this.#first = 0
  }

  /** The trace of the window. */
  read(): Trace {
    return { header: this.header, queries: this.queries, events: this.#events.slice(this.#first) }
  }
}
