import { type Sluice, type SluiceOptions, sluiceFrom } from '@sluice/core'
import { checkOptions, option } from '@sluice/core/siblings'
import {
  createFloorCookie,
  type FloorCookie,
  type FloorCookieOptions,
  type RequestIdOptions,
  RequestIds,
  RequestScopes,
} from '@sluice/http'
import type { Request, RequestHandler, Response } from 'express'

export interface SluiceMiddlewareOptions {
  /**
   * Prints each finding once for a route, to stderr.
   * @defaultValue whether `NODE_ENV` is `development`, `test` or not set, and the Sluice has no `logger`
   */
  readonly report?: boolean
  /**
   * Sends `Server-Timing` with the time spent in the database and the number of queries. Anyone who can send a request can read it.
   * @defaultValue whether `NODE_ENV` is `development` or `test`
   */
  readonly serverTiming?: boolean
  /**
   * Carries read-your-writes from one request of a browser to the next by a cookie, whichever process answers it: for apps that read from replicas. `true`
   * stands for `{}`.
   * @defaultValue none
   */
  readonly floorCookie?: boolean | FloorCookieOptions
  /**
   * Gives each request an id, which its response carries as `x-request-id`, and its scope. `true` stands for `{}`.
   * @defaultValue true
   */
  readonly requestId?: boolean | RequestIdOptions
}

export interface SluiceMiddleware extends RequestHandler {
  /** What it counts; `undefined` without the option. */
  readonly floorCookie: FloorCookie | undefined
}

/**
 * Express middleware that opens a scope for each request: queries are counted and merged within it.
 * Use it before the routes. Works with Express 4.18 and 5.
 *
 * A request's scope ends after its response was sent, so in detection's `throw` mode its findings cannot fail the request: they are emitted as
 * ever, and a process warning tells so once. Tests of routes wrap the request in `expectNoNPlusOne` of `@sluice/core/testing`.
 *
 * @param sluice - A Sluice, or options to make one of. Left out: the process-wide default.
 * @throws InvalidOptionError for options that are unknown or wrong.
 * @example
 * ```ts
 * app.use(sluiceMiddleware(sluice))
 * ```
 */
export function sluiceMiddleware(sluice?: Sluice | SluiceOptions, options: SluiceMiddlewareOptions = {}): SluiceMiddleware {
  checkOptions(options, {
    report: option.boolean,
    serverTiming: option.boolean,
    floorCookie: option.either(option.boolean, option.object),
    requestId: option.either(option.boolean, option.object),
  })
  const used = sluiceFrom(sluice)
  const scopes = new RequestScopes(used, options)
  const { floorCookie: given = false, requestId = true } = options
  const ids = requestId === false ? undefined : new RequestIds(requestId === true ? {} : requestId)
  const floorCookie = given === false ? undefined : createFloorCookie(used, given === true ? {} : given)
  const middleware: RequestHandler = (request, response, next) => {
    const { method, path } = request
    const scope = scopes.open(response, `${method} ${path}`, () => nameOf(request, response))
    scope.requestId = ids?.of(request, response)
    scope.enter(() => {
      floorCookie?.carry(request, response, request.secure)
      next()
    })
  }
  return Object.assign(middleware, { floorCookie })
}

/** The route's pattern rather than the path, so that all requests of a route are one. */
function nameOf(request: Request, response: Response): string {
  const route: unknown = (request.route as { readonly path?: unknown } | undefined)?.path
  const baseUrl = baseOf(request)
  if (typeof route === 'string') return `${request.method} ${baseUrl}${route}`
  if (response.statusCode === 404) return `${request.method} (no route)`
  // What answers without a route, such as a GraphQL server, is called by where it is mounted.
  const { path } = request
  return `${request.method} ${baseUrl !== '' && path === '/' ? baseUrl : baseUrl + path}`
}

/** Express takes it away where a handler of the app itself throws. */
function baseOf(request: Request): string {
  return (request as { readonly baseUrl?: string | undefined }).baseUrl ?? ''
}
