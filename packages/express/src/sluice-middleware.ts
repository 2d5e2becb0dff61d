import { checkOptions, option, type Sluice, type SluiceOptions, sluiceFrom } from '@sluice/core'
import { createFloorCookie, type FloorCookie, type FloorCookieOptions, RequestScopes } from '@sluice/http'
import type { Request, RequestHandler, Response } from 'express'

export interface SluiceMiddlewareOptions {
  /**
   * Prints each finding once for a route, to stderr.
   * @defaultValue whether `NODE_ENV` is not `production`
   */
  readonly report?: boolean
  /**
   * Sends `Server-Timing` with the time spent in the database and the number of queries. Anyone who can send a request can read it.
   * @defaultValue whether `NODE_ENV` is not `production`
   */
  readonly serverTiming?: boolean
  /**
   * Carries read-your-writes from one request of a browser to the next by a cookie, whichever process answers it: for apps that read from replicas. `true`
   * stands for `{}`.
   * @defaultValue none
   */
  readonly floorCookie?: boolean | FloorCookieOptions
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
  })
  const used = sluiceFrom(sluice)
  const scopes = new RequestScopes(used, options)
  const { floorCookie: given = false } = options
  const floorCookie = given === false ? undefined : createFloorCookie(used, given === true ? {} : given)
  const middleware: RequestHandler = (request, response, next) => {
    const { method, path } = request
    scopes
      .open(response, `${method} ${path}`, () => nameOf(request, response))
      .enter(() => {
        floorCookie?.carry(request, response, request.secure)
        next()
      })
  }
  return Object.assign(middleware, { floorCookie })
}

/** The route's pattern rather than the path, so that all requests of a route are one. */
function nameOf(request: Request, response: Response): string {
  const route: unknown = (request.route as { readonly path?: unknown } | undefined)?.path
  if (typeof route === 'string') return `${request.method} ${request.baseUrl}${route}`
  return response.statusCode === 404 ? `${request.method} (no route)` : `${request.method} ${request.path}`
}
