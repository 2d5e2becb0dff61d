import type { RefusalCode } from '../protocol/common.ts'

const STATUS: Readonly<Record<RefusalCode, number>> = {
  NOT_TRUSTED: 401,
  FORBIDDEN: 403,
  CROSS_SITE: 403,
  READ_ONLY: 403,
  NOT_FOUND: 404,
  METHOD: 405,
  MEDIA_TYPE: 415,
  TOO_LARGE: 413,
  BAD_BODY: 400,
  BAD_QUERY: 400,
  TOO_MANY_STREAMS: 503,
  OFF: 409,
  FAILED: 502,
}

/** An error that rejects a request, with its HTTP status. */
export class Refusal extends Error {
  readonly status: number

  constructor(
    readonly code: RefusalCode,
    message: string,
  ) {
    super(message)
    this.status = STATUS[code]
  }
}
