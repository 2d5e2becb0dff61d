import type { IncomingMessage } from 'node:http'

/** What is asked of a node, or the status that a request is refused with. */
export type RequestTarget =
  | { readonly path: string; readonly status?: undefined }
  | { readonly path?: undefined; readonly status: 400 | 405 }

const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i

/**
 * The path of a request in the form that nodes are asked in. Source: RFC 9112, section 3.2.
 *
 * A whole URL must be of the host that the request is for. CONNECT and TRACE are not for nodes: a tunnel could lead anywhere, and an echo shows what the
 * proxy has added.
 */
export function requestTarget({ method, url = '', headers }: IncomingMessage): RequestTarget {
  if (method === 'TRACE' || method === 'CONNECT') return { status: 405 }
  if (url.startsWith('/')) return { path: url }
  const match = ABSOLUTE.exec(url)
  if (match === null) return { status: 400 }
  const [, authority = '', rest = ''] = match
  if (authority.toLowerCase() !== headers.host?.toLowerCase()) return { status: 400 }
  return { path: rest.startsWith('/') ? rest : `/${rest.replace(/^#.*/, '')}` }
}
