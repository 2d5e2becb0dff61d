import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ScopeHandle } from '@sluice/core'
import { RequestScopes, requestNameOf } from '@sluice/http'
import { registeredSluice } from '../registered-sluice.ts'

/** The property of a request with the pattern of its route, if its framework has told it. */
const ROUTE = Symbol('sluice.route')

type RoutedRequest = IncomingMessage & { [ROUTE]?: string }

let scopes: RequestScopes | undefined

/** The scopes of requests, which print the findings of all scopes in development. */
export function requestScopes(): RequestScopes {
  // No `Server-Timing`: responses of the app are not changed.
  scopes ??= new RequestScopes(registeredSluice(), { serverTiming: false })
  return scopes
}

/** Returns the scope of a request, which ends with its response. */
export function requestScope(request: IncomingMessage, response: ServerResponse): ScopeHandle {
  const scopes = requestScopes()
  const { names } = scopes
  const { method = 'GET', url = '/' } = request
  return scopes.open(response, `${method} ${url}`, () => {
    const route = (request as RoutedRequest)[ROUTE]
    return route === undefined ? requestNameOf(names, request, response) : names.ofRoute(method, route)
  })
}

/** The pattern of a request's route is known. */
export function setRoute(request: IncomingMessage, route: string): void {
  ;(request as RoutedRequest)[ROUTE] = route
}
