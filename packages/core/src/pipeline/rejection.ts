/** Carries what a query was rejected with through code that knows a rejection by its being an `Error` of this realm. */
class Rejection extends Error {
  constructor(readonly reason: unknown) {
    super('A query was rejected.')
  }
}

export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Rejection(reason)
}

/** What the query was rejected with. */
export function reasonOf(error: unknown): unknown {
  return error instanceof Rejection ? error.reason : error
}
