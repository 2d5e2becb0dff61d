import { pathPattern, type RequestNames } from '@sluice/http'
import type { Request, Response } from 'express'

/** Names a request by the pattern of its route, so that all requests of a route have the same name. */
export function requestName(names: RequestNames, request: Request, response: Response): string {
  const { method } = request
  const route = routeOf(request)
  if (route !== undefined || response.statusCode === 404) return names.ofRoute(method, route)
  // Handlers without a route, such as a GraphQL server or `express.static`, are named after their mount path.
  const base = baseOf(request)
  if (base === '') return names.ofPath(method, request.path)
  return names.ofPath(method, request.path === '/' ? base : `${base}/*`)
}

/** Returns the pattern of the route that handles a request, and `undefined` until one matches. */
export function routeOf(request: Request): string | undefined {
  const path: unknown = (request.route as { readonly path?: unknown } | undefined)?.path
  if (path === undefined) return undefined
  return `${baseOf(request)}${Array.isArray(path) ? path.join('|') : String(path)}`
}

/**
 * The path of the mount. It contains values of parameters, such as those of `/:tenant`. Express removes
 * `baseUrl` if a handler of the app itself throws.
 */
function baseOf(request: Request): string {
  const { baseUrl } = request as { readonly baseUrl?: string | undefined }
  return baseUrl ? pathPattern(baseUrl) : ''
}
