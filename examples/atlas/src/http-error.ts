import type { ErrorRequestHandler } from 'express'

/** An error response, thrown by a route. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
    this.name = 'HttpError'
  }
}

export function notFound(what: string): HttpError {
  return new HttpError(404, `No such ${what}.`)
}

/** Every error is sent as JSON; internal details stay on the server. */
export const answerError: ErrorRequestHandler = (error, _request, response, _next) => {
  if (error?.code === 'SLUICE_WRITE_REJECTED') {
    // Nothing was written: the client may try again once Redis answers.
    response.status(503).json({ error: 'Writes are unavailable now. Try again.' })
    return
  }
  const status: unknown = error?.status
  const known = error instanceof HttpError || (typeof status === 'number' && status < 500)
  if (!known) console.error(error)
  response
    .status(known ? error.status : 500)
    .json({ error: known ? error.message : 'Internal server error.' })
}
