import type { IncomingMessage, ServerResponse } from 'node:http'
import { conditionsOf, isNotModified } from './conditional.ts'
import type { StoredResponse } from './stored-response.ts'

/** Of a representation that is not sent. Source: RFC 9110, section 15.4.5. */
const OF_BODY = ['content-type', 'content-length', 'content-encoding', 'content-language', 'transfer-encoding']

/** Sends a kept response. @returns Whether the client had it already. */
export function sendStored(request: IncomingMessage, response: ServerResponse, stored: StoredResponse, ageMs: number): boolean {
  const { status, headers, body, etag } = stored
  response.statusCode = status
  for (const [name, value] of headers) response.setHeader(name, value as string)
  response.setHeader('ETag', etag)
  response.setHeader('Age', String(Math.floor(ageMs / 1_000)))
  const lastModified = headers.find(([name]) => name.toLowerCase() === 'last-modified')?.[1]
  if (status === 200 && isNotModified(conditionsOf(request.headers), etag, lastModified as string | undefined)) {
    becomeNotModified(response)
    response.end()
    return true
  }
  response.setHeader('Content-Length', String(body.length))
  response.end(request.method === 'HEAD' ? undefined : body)
  return false
}

export function becomeNotModified(response: ServerResponse): void {
  response.statusCode = 304
  response.statusMessage = 'Not Modified'
  for (const name of OF_BODY) response.removeHeader(name)
}
