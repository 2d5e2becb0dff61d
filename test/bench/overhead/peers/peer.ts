/** A tool that traces queries, as apps use it. Must be started before the ORM is loaded. */
export interface Peer {
  /** Runs a function in a span, like the instrumentation of an HTTP server. */
  request(fn: () => Promise<void>): Promise<void>
  /** @throws UntracedError if it did not trace the queries. */
  close(): Promise<void>
}

/** A peer that does not record the queries does not do the work that it is compared for. */
export class UntracedError extends Error {
  constructor(peer: string, queries: number, requests: number) {
    super(`Expected ${peer} to trace each query, got ${queries} spans of queries in ${requests} requests.`)
  }
}
