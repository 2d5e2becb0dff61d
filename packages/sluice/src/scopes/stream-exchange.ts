import type { HttpRequest, HttpResponse } from './request-scope.ts'

/** The members of a stream of a server of `node:http2` that Sluice uses. */
export interface Http2Stream {
  readonly closed: boolean
  readonly headersSent: boolean
  readonly sentHeaders?: { readonly ':status'?: number }
  respond(...args: unknown[]): void
  on(event: 'close', listener: () => void): unknown
}

/** A stream of HTTP/2 without a request and a response, as the scopes of requests see them. */
export function streamExchange(
  stream: Http2Stream,
  { ':method': method = 'GET', ':path': url = '/' }: Readonly<Record<string, string>>,
): readonly [HttpRequest, HttpResponse] {
  const request = { method, url }
  const response = {
    req: request,
    get closed() {
      return stream.closed
    },
    get headersSent() {
      return stream.headersSent
    },
    get statusCode() {
      return stream.sentHeaders?.[':status'] ?? 200
    },
    on: (event: 'close', listener: () => void) => stream.on(event, listener),
  }
  return [request as HttpRequest, response as unknown as HttpResponse]
}
