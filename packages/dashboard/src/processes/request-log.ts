import type { RequestSummary } from '../protocol/request.ts'

const MAX_REQUESTS = 100

interface Entry {
  readonly sequence: number
  readonly request: RequestSummary
}

/** The last requests of all processes, numbered in the order in which they are heard of. */
export class RequestLog {
  #entries: Entry[] = []
  /** The number of the last. */
  last = 0

  /** @param requests - The newest first. @param count - How many there were. */
  add(requests: readonly RequestSummary[], count: number): void {
    this.last += count
    const first = this.last - requests.length + 1
    this.#insert([...requests].reverse().map((request, at) => ({ sequence: first + at, request })))
  }

  /** Requests that are nothing new: they were there before somebody looked. */
  addOld(requests: readonly RequestSummary[]): void {
    this.#insert(requests.map((request) => ({ sequence: 0, request })))
  }

  /** Those after a number, the newest first. */
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
