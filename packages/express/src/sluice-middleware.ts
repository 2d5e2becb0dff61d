import { InvalidOptionError, type Sluice, type SluiceOptions, sluiceFrom } from '@sluice/core'
import { checkOptions, isInstance, option, UnknownOptionError } from '@sluice/core/siblings'
import {
  type ConsistencyCookie,
  type ConsistencyCookieOptions,
  createConsistencyCookie,
  pathPattern,
  type RequestIdOptions,
  RequestIds,
  RequestScopes,
  requestNameOf,
} from '@sluice/http'
import type { RequestHandler } from 'express'

export interface SluiceMiddlewareOptions {
  /**
   * Prints each finding to stderr, once per route.
   * @defaultValue whether `NODE_ENV` is `development`, `test` or not set, and the Sluice has no `logger`
   */
  readonly report?: boolean
  /**
   * Sends `Server-Timing` with the time spent in the database and the number of queries. Everyone who can
   * send a request can read it.
   * @defaultValue whether `NODE_ENV` is `development` or `test`
   */
  readonly serverTiming?: boolean
  /**
   * Continues read-your-writes consistency in a browser's next requests, with a cookie, regardless of the
   * process that handles them. For apps that read from replicas. `true` means `{}`.
   * @defaultValue none
   */
  readonly consistencyCookie?: boolean | ConsistencyCookieOptions
  /**
   * Adds an id to each request: its response contains it as `x-request-id`, and so does its scope. `true`
   * means `{}`.
   * @defaultValue true
   */
  readonly requestId?: boolean | RequestIdOptions
}

export interface SluiceMiddleware extends RequestHandler {
  /** Provides the statistics; `undefined` without the option. */
  readonly consistencyCookie: ConsistencyCookie | undefined
}

/**
 * Express middleware that opens a scope for each request, in which Sluice counts and batches queries. Use it
 * before the routes. Works with Express 4.18 and 5.
 *
 * The scope ends after the response was sent. In detection's `throw` mode, its findings therefore cannot fail
 * the request: they are emitted as usual, and a process warning reports this once. In tests of routes, wrap
 * the request in `expectNoNPlusOne` of `@sluice/core/testing`.
 *
 * @param sluice - A Sluice, or options to create one. Default: the process-wide Sluice.
 * @throws InvalidOptionError for unknown or invalid options.
 * @example
 * ```ts
 * app.use(sluiceMiddleware(sluice))
 * ```
 */
export function sluiceMiddleware(
  sluice?: Sluice | SluiceOptions,
  options: SluiceMiddlewareOptions = {},
): SluiceMiddleware {
  checkOptions(options, {
    report: option.boolean,
    serverTiming: option.boolean,
    consistencyCookie: option.either(option.boolean, option.object),
    requestId: option.either(option.boolean, option.object),
  })
  const used = sluiceArgument(sluice, 'sluiceMiddleware')
  const scopes = new RequestScopes(used, options)
  const { consistencyCookie: cookie = false, requestId = true } = options
  const ids = requestId === false ? undefined : new RequestIds(requestId === true ? {} : requestId)
  const consistencyCookie =
    cookie === false ? undefined : createConsistencyCookie(used, cookie === true ? {} : cookie)
  const middleware: RequestHandler = (request, response, next) => {
    const { method, path } = request
    const name = () => requestNameOf(scopes.names, request, response)
    const scope = scopes.open(response, () => `${method} ${pathPattern(path)}`, name)
    scope.requestId = ids?.of(request, response)
    scope.enter(() => {
      consistencyCookie?.carry(request, response, request.secure)
      next()
    })
  }
  return Object.assign(middleware, { consistencyCookie })
}

/**
 * Converts the first argument of a middleware to a Sluice.
 *
 * @throws InvalidOptionError.
 */
export function sluiceArgument(input: Sluice | SluiceOptions | undefined, middleware: string): Sluice {
  try {
    return sluiceFrom(input)
  } catch (error) {
    if (!isInstance(error, UnknownOptionError)) throw error
    const message = `${error.message} The first argument of ${middleware}() is a Sluice or its options. Pass the options of ${middleware}() as the second argument.`
    throw new InvalidOptionError(error.option, 'a known option', undefined, message)
  }
}
