import type { IncomingMessage } from 'node:http'

/** The path that a node receives, or the status with which the request is rejected. */
export type RequestTarget =
  | { readonly path: string; readonly status?: undefined }
  | { readonly path?: undefined; readonly status: 400 | 405 }

/** Shared by all copies of this package in the process: a proxy may come from a different copy. */
const TARGET = Symbol.for('sluice.requestTarget')

interface WithTarget {
  [TARGET]?: string
}

/**
 * Sets a URL that nodes receive instead of the request's URL, which stays unchanged for all other readers.
 * For authors of middleware and plugins that remove a prefix.
 *
 * @param url - In the form of the request's URL: with its query, and absolute if that is absolute.
 */
export function setRequestTarget(request: IncomingMessage, url: string): void {
  ;(request as WithTarget)[TARGET] = url
}

const ABSOLUTE = /^https?:\/\/([^/?#]*)/i

/**
 * Returns the path of a request in the form that nodes expect. Source: RFC 9112, section 3.2.
 *
 * An absolute URL must have the host that the request is for. CONNECT and TRACE are not forwarded: a tunnel
 * could lead anywhere, and an echo reveals the headers that the proxy has added.
 */
export function requestTarget(request: IncomingMessage): RequestTarget {
  const { method, headers } = request
  const url = (request as WithTarget)[TARGET] ?? request.url ?? ''
  if (method === 'TRACE' || method === 'CONNECT') return { status: 405 }
  if (url.startsWith('/')) return { path: url }
  const match = ABSOLUTE.exec(url)
  if (match === null) return { status: 400 }
  const [start, authority = ''] = match
  const rest = url.slice(start.length)
  if (authority.toLowerCase() !== headers.host?.toLowerCase()) return { status: 400 }
  return { path: rest.startsWith('/') ? rest : `/${rest.startsWith('#') ? '' : rest}` }
}
