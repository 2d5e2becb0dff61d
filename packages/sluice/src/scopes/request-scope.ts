import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ScopeHandle, Sluice } from '@sluice/core'
import { pathPattern, RequestScopes, requestNameOf } from '@sluice/http'
import { guarded } from '../guarded.ts'
import { registeredSluice, settings } from '../registered-sluice.ts'
import { operationName } from './operation-name.ts'
import { currentRequest, type EnterWork, openWork, type Work } from './work.ts'

/** A request of `node:http`, or one of `node:http2`, which has the same members. */
export type HttpRequest = IncomingMessage

/** A response of `node:http`, or one of `node:http2`, which has no `closed`. */
export type HttpResponse = ServerResponse & { readonly stream?: { readonly closed: boolean } }

/** The pattern of a route, or a function that returns it when the request has ended. */
export type Route = string | (() => string | undefined)

/** The property of a request with its route, if its framework has told it. */
const ROUTE = Symbol('sluice.route')
/** The property of a request with the name of its operation of GraphQL. */
const OPERATION = Symbol('sluice.operation')

type RoutedRequest = IncomingMessage & { [ROUTE]?: Route; [OPERATION]?: string }

/** A request, whose scopes end with its response. */
class Request implements Work {
  constructor(
    readonly request: HttpRequest,
    private readonly response: HttpResponse,
  ) {}

  get isOver(): boolean {
    const { closed, stream } = this.response
    return closed ?? stream?.closed ?? false
  }

  open(sluice: Sluice): ScopeHandle {
    const { request, response } = this
    const scopes = requestScopes(sluice)
    const { names } = scopes
    const { method = 'GET', url = '/' } = request
    return scopes.open(response, `${method} ${url}`, () => {
      const { [OPERATION]: operation } = request as RoutedRequest
      if (operation !== undefined) return operation
      const route = routeOf(request)
      return route === undefined ? requestNameOf(names, request, response) : names.ofRoute(method, route)
    })
  }
}

function routeOf(request: RoutedRequest): string | undefined {
  const { [ROUTE]: route } = request
  return typeof route === 'function' ? guarded('routes', route) : route
}

const scopes = new WeakMap<Sluice, RequestScopes>()

/** The scopes of a Sluice's requests. For the Sluice of this process, they print all findings. */
export function requestScopes(sluice: Sluice): RequestScopes {
  let known = scopes.get(sluice)
  if (known === undefined) {
    const report = settings().report === 'stderr' && sluice === registeredSluice()
    // No `Server-Timing`: responses of the app are not changed.
    known = new RequestScopes(sluice, { report, serverTiming: false })
    scopes.set(sluice, known)
  }
  return known
}

/** Opens the scope of a request, which ends with its response. `undefined` if the app ignores it. */
export function requestScope(request: HttpRequest, response: HttpResponse): EnterWork | undefined {
  const { ignore } = settings()
  if (ignore.size > 0 && ignore.has(`${request.method} ${request.url?.split('?', 1)[0]}`)) return undefined
  return openWork(new Request(request, response))
}

/**
 * The current request executes an operation of GraphQL. Its first names the request.
 *
 * @param args - The argument of `execute`.
 */
export function setOperation(args: unknown): void {
  const request = currentRequest() as RoutedRequest | undefined
  if (request === undefined || request[OPERATION] !== undefined) return
  const name = operationName(args)
  if (name !== undefined) request[OPERATION] = name
}

/**
 * The route of a request is known.
 *
 * @param mount - The path below which the app with the route is mounted. It can contain values of parameters.
 */
export function setRoute(request: object, route: Route, mount = ''): void {
  ;(request as RoutedRequest)[ROUTE] = typeof route === 'string' ? `${pathPattern(mount)}${route}` : route
}
