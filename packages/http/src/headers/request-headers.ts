import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { plainAddress } from '@sluice/core/siblings'
import { type Forwarding, TrustedHops, writeForwarding } from './forwarding.ts'
import { headerKind, namedByConnection, withoutNamed } from './header-kinds.ts'

/** The headers that a node receives instead of the request's headers. */
export interface RequestHeaders {
  /** Names and values alternate. */
  readonly headers: string[]
  readonly contentLength: number | undefined
  readonly isChunked: boolean
  readonly clientIp: string
  readonly isTls: boolean
  readonly host: string
  /** The request must not be forwarded: two parties could parse it differently. */
  readonly isMalformed: boolean
}

/**
 * Returns the headers for a node: without those that apply to this connection only, and with those that
 * report the origin of the request. Source: RFC 9110, section 7.6, and RFC 9112, sections 3.2, 6.1 and 6.3.
 */
export function requestHeaders(request: IncomingMessage, forwarding: Forwarding): RequestHeaders {
  const { rawHeaders, socket } = request
  const headers: string[] = []
  let named: Set<string> | undefined
  let host: string | undefined
  let length: string | undefined
  let encoding: string | undefined
  let hops: TrustedHops | undefined
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
        isMalformed ||=
          encoding !== undefined || value.toLowerCase() !== 'chunked' || request.httpVersionMinor === 0
        encoding = value
        break
      case 'forwarded':
        if (forwarding.trustedHops === 0) break
        hops ??= new TrustedHops(forwarding)
        hops.add(name, value)
        break
      case 'asserted':
        if (forwarding.trustedHops > 0) headers.push(name, value)
        break
      // Trailers of requests and hop-by-hop headers are not forwarded. A trusted proxy sends true names.
      case 'trailer':
      case 'hop-by-hop':
      case 'folded':
        break
    }
  }
  isMalformed ||= length !== undefined && encoding !== undefined
  const rest = withoutNamed(headers, named)
  const address = plainAddress(socket.remoteAddress) ?? ''
  const isTls = (socket as TLSSocket).encrypted === true
  const proto = isTls ? 'https' : 'http'
  if (length !== undefined) rest.push('content-length', length)
  if (host !== undefined) rest.push('host', host)
  if (hops === undefined) writeForwarding(rest, forwarding.style, { address, host, proto })
  else hops.write(rest, { address, host, proto })
  return {
    headers: rest,
    contentLength: length === undefined ? undefined : Number(length),
    isChunked: encoding !== undefined,
    clientIp: hops === undefined ? address : hops.clientOf(address),
    isTls,
    host: host ?? '',
    isMalformed,
  }
}
