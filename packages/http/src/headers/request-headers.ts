import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { headerKind, namedByConnection, withoutNamed } from './header-kinds.ts'

/** What goes to a node in place of a request's own headers. */
export interface RequestHeaders {
  /** Names and values by turns. */
  readonly headers: string[]
  readonly contentLength: number | undefined
  readonly isChunked: boolean
  readonly clientIp: string
  /** The request must not be passed on: two parties could read it differently. */
  readonly isMalformed: boolean
}

/**
 * The headers for a node: without those of this connection, and with those that tell where the request came from. Source: RFC 9110, section 7.6, and RFC
 * 9112, sections 3.2, 6.1 and 6.3.
 *
 * @param trustedHops - Proxies in front whose word counts.
 */
export function requestHeaders(request: IncomingMessage, trustedHops: number): RequestHeaders {
  const { rawHeaders, socket } = request
  const headers: string[] = []
  let named: Set<string> | undefined
  let host: string | undefined
  let length: string | undefined
  let encoding: string | undefined
  let forwardedFor: string | undefined
  let forwardedProto: string | undefined
  let forwardedHost: string | undefined
  let isMalformed = false
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    const value = rawHeaders[i + 1] as string
    switch (headerKind(name)) {
      case 'end-to-end':
        headers.push(name, value)
        break
      case 'host':
        isMalformed ||= host !== undefined
        host = value
        break
      case 'connection':
        named = namedByConnection(value, named)
        break
      case 'content-length':
        isMalformed ||= length !== undefined && length !== value
        length = value
        break
      case 'transfer-encoding':
        isMalformed ||= encoding !== undefined || value.toLowerCase() !== 'chunked' || request.httpVersionMinor === 0
        encoding = value
        break
      case 'forwarded':
        if (trustedHops === 0) break
        switch (name.toLowerCase()) {
          case 'x-forwarded-for':
            forwardedFor = forwardedFor === undefined ? value : `${forwardedFor}, ${value}`
            break
          case 'x-forwarded-proto':
            forwardedProto = value
            break
          case 'x-forwarded-host':
            forwardedHost = value
            break
          default:
            headers.push(name, value)
        }
        break
      // Trailers of requests are dropped, and so is what is for this connection.
      case 'trailer':
      case 'hop-by-hop':
        break
    }
  }
  isMalformed ||= length !== undefined && encoding !== undefined
  const kept = withoutNamed(headers, named)
  const address = plainAddress(socket.remoteAddress ?? '')
  if (length !== undefined) kept.push('content-length', length)
  if (host !== undefined) kept.push('host', host, 'x-forwarded-host', forwardedHost ?? host)
  kept.push('x-forwarded-for', forwardedFor === undefined ? address : `${forwardedFor}, ${address}`)
  kept.push('x-forwarded-proto', forwardedProto ?? ((socket as TLSSocket).encrypted === true ? 'https' : 'http'))
  return {
    headers: kept,
    contentLength: length === undefined ? undefined : Number(length),
    isChunked: encoding !== undefined,
    clientIp: forwardedFor === undefined ? address : clientOf(forwardedFor, trustedHops, address),
    isMalformed,
  }
}

/** IPv4 as it is, though the socket listens for both. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address
}

/** Each trusted proxy has written down whom it spoke with: the one that the outermost of them spoke with is the client. */
function clientOf(forwardedFor: string, trustedHops: number, address: string): string {
  const hops = forwardedFor.split(',').map((hop) => hop.trim())
  return hops[Math.max(0, hops.length - trustedHops)] || address
}
