import type { RequestSummary } from '../protocol/request.ts'

const MAX_REQUESTS = 100

interface Entry {
  readonly sequence: number
  readonly request: RequestSummary
}

/** The last requests of all processes, numbered in the order of their arrival. */
export class RequestLog {
  #entries: Entry[] = []
  /** Sequence number of the last request. */
  last = 0

  /**
   * @param requests - Newest first.
   * @param count - Their total number.
   */
  add(requests: readonly RequestSummary[], count: number): void {
    this.last += count
    const first = this.last - requests.length + 1
    this.#insert([...requests].reverse().map((request, at) => ({ sequence: first + at, request })))
  }

  /** Adds requests from before the stream was opened, which do not count as new. */
  addOld(requests: readonly RequestSummary[]): void {
    this.#insert(requests.map((request) => ({ sequence: 0, request })))
  }

  /** Returns the requests after a sequence number, newest first. */
  since(sequence: number, limit: number): readonly RequestSummary[] {
    return this.#entries
      .filter((entry) => entry.sequence > sequence)
      .slice(-limit)
      .reverse()
      .map(({ request }) => request)
  }

  newest(limit: number): readonly RequestSummary[] {
    return this.#entries
      .slice(-limit)
      .reverse()
      .map(({ request }) => request)
  }

  #insert(entries: readonly Entry[]): void {
    this.#entries = [...this.#entries, ...entries].sort((a, b) => endOf(a) - endOf(b)).slice(-MAX_REQUESTS)
  }
}

function endOf({ request }: Entry): number {
  return request.startedAt + request.durationMs
}
