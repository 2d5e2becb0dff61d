import type { IncomingMessage, ServerResponse } from 'node:http'
import { pathPattern, type RequestNames } from './request-names.ts'

/** What Express, and routers like it, store in a request. */
interface RoutedRequest extends IncomingMessage {
  readonly route?: { readonly path?: unknown } | undefined
  readonly baseUrl?: string | undefined
  readonly path?: string
}

/**
 * Names a request when it ends, by the pattern of its route, so that all requests of a route have the same
 * name. Without a router like that of Express, by its path.
 */
export function requestNameOf(
  names: RequestNames,
  request: IncomingMessage,
  response: ServerResponse,
): string {
  const { method = 'GET', path } = request as RoutedRequest
  if (path === undefined) return names.ofPath(method, pathOf(request.url))
  const route = routeOf(request)
  if (route !== undefined || response.statusCode === 404) return names.ofRoute(method, route)
  // Handlers without a route, such as a GraphQL server or `express.static`, are named after their mount path.
  const base = baseOf(request)
  if (base === '') return names.ofPath(method, path)
  return names.ofPath(method, path === '/' ? base : `${base}/*`)
}

/** Returns the pattern of the route that handles a request, and `undefined` until one matches. */
export function routeOf(request: IncomingMessage): string | undefined {
  const path = (request as RoutedRequest).route?.path
  if (path === undefined) return undefined
  return `${baseOf(request)}${Array.isArray(path) ? path.join('|') : String(path)}`
}

/**
 * The path of the mount. It contains values of parameters, such as those of `/:tenant`. Express removes
 * `baseUrl` if a handler of the app itself throws.
 */
function baseOf(request: IncomingMessage): string {
  const { baseUrl } = request as RoutedRequest
  return baseUrl ? pathPattern(baseUrl) : ''
}

function pathOf(url = '/'): string {
  return url.split('?', 1)[0] as string
}
