import type { IncomingMessage } from 'node:http'

/** What is asked of a node, or the status that a request is refused with. */
export type RequestTarget =
  | { readonly path: string; readonly status?: undefined }
  | { readonly path?: undefined; readonly status: 400 | 405 }

/** One for all copies of this package in the process: a proxy may come from another one. */
const TARGET = Symbol.for('sluice.requestTarget')

interface WithTarget {
  [TARGET]?: string
}

/**
 * Has nodes asked for another URL than the request's own, which stays as it is for all others who read it. For those who write a middleware or a
 * plugin, and take a prefix off.
 *
 * @param url - In the form of the request's own: with its query, and whole where that is whole.
 */
export function setRequestTarget(request: IncomingMessage, url: string): void {
  ;(request as WithTarget)[TARGET] = url
}

const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i

/**
 * The path of a request in the form that nodes are asked in. Source: RFC 9112, section 3.2.
 *
 * A whole URL must be of the host that the request is for. CONNECT and TRACE are not for nodes: a tunnel could lead anywhere, and an echo shows what the
 * proxy has added.
 */
export function requestTarget(request: IncomingMessage): RequestTarget {
  const { method, headers } = request
  const url = (request as WithTarget)[TARGET] ?? request.url ?? ''
  if (method === 'TRACE' || method === 'CONNECT') return { status: 405 }
  if (url.startsWith('/')) return { path: url }
  const match = ABSOLUTE.exec(url)
  if (match === null) return { status: 400 }
  const [, authority = '', rest = ''] = match
  if (authority.toLowerCase() !== headers.host?.toLowerCase()) return { status: 400 }
  return { path: rest.startsWith('/') ? rest : `/${rest.replace(/^#.*/, '')}` }
}
