/** A test's expectation about queries was not met. Test runners show it as they show their own. */
export class QueryAssertionError extends Error {
  override readonly name = 'AssertionError'

  constructor(
    message: string,
    /** The number that was expected: of queries, or of findings. */
    readonly expected: number,
    /** The number that came. */
    readonly actual: number,
    /** Where the expectation stands. */
    place: { readonly stack?: string },
  ) {
    super(message)
    // Made after the work was awaited, it would lead into this package alone.
    const frames = (place.stack ?? '').split('\n').slice(1)
    if (frames.length > 0) this.stack = [`AssertionError: ${message}`, ...frames].join('\n')
  }
}

/** Remembers where a function of this package was called. */
export function placeOfCall(called: (...args: never[]) => unknown): { readonly stack?: string } {
  const place: { stack?: string } = {}
  Error.captureStackTrace(place, called)
  return place
}
