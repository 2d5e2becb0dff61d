import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ScopeHandle, Sluice } from '@sluice/core'
import { type Ambient, hostOf } from '@sluice/core/siblings'
import { RequestScopes, requestNameOf } from '@sluice/http'
import { guarded } from '../guarded.ts'
import { server } from '../process-state.ts'
import { registeredSluice, settings } from '../registered-sluice.ts'
import { operationName } from './operation-name.ts'

/** The property of a request with the pattern of its route, if its framework has told it. */
const ROUTE = Symbol('sluice.route')
/** The property of a request with the name of its operation of GraphQL. */
const OPERATION = Symbol('sluice.operation')

type RoutedRequest = IncomingMessage & { [ROUTE]?: string; [OPERATION]?: string }

/** A request that is being handled, and its scopes for the Sluices of the app. */
interface CurrentRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly ambients: Map<Sluice, Ambient | undefined>
}

const scopes = new WeakMap<Sluice, RequestScopes>()
const requests = new AsyncLocalStorage<CurrentRequest>()
/** Whether the app has created a Sluice. */
let hasOthers = false

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

/** Calls the handlers of a request inside its scopes. */
export type EnterRequest = <T>(handle: () => T) => T

/** Opens the scope of a request, which ends with its response. `undefined` if the app ignores it. */
export function requestScope(request: IncomingMessage, response: ServerResponse): EnterRequest | undefined {
  const { ignore } = settings()
  if (ignore.size > 0 && ignore.has(`${request.method} ${request.url?.split('?', 1)[0]}`)) return undefined
  const scope = openFor(registeredSluice(), request, response)
  if (!hasOthers && !server.executesGraphql) return (handle) => scope.enter(handle)
  return (handle) => requests.run({ request, response, ambients: new Map() }, () => scope.enter(handle))
}

/** The app attaches clients to a Sluice that it has created. */
export function scopeRequestsOf(sluice: Sluice): void {
  hasOthers = true
  requestScopes(sluice)
}

/**
 * Returns the ambient of a statement that the app sends through its own Sluice: that of the current
 * request, which has no scope of this Sluice yet. `undefined` outside of requests.
 */
export function requestAmbient(sluice: Sluice): Ambient | undefined {
  const current = requests.getStore()
  if (current === undefined) return undefined
  const { request, response, ambients } = current
  if (!ambients.has(sluice)) {
    // To open a scope, the storage asks for the current one.
    ambients.set(sluice, undefined)
    if (!response.closed)
      guarded('HTTP servers', () => {
        const scope = openFor(sluice, request, response)
        ambients.set(
          sluice,
          scope.enter(() => hostOf(sluice).scopes.ambient),
        )
      })
  }
  return ambients.get(sluice)
}

function openFor(sluice: Sluice, request: IncomingMessage, response: ServerResponse): ScopeHandle {
  const scopes = requestScopes(sluice)
  const { names } = scopes
  const { method = 'GET', url = '/' } = request
  return scopes.open(response, `${method} ${url}`, () => {
    const { [ROUTE]: route, [OPERATION]: operation } = request as RoutedRequest
    if (operation !== undefined) return operation
    return route === undefined ? requestNameOf(names, request, response) : names.ofRoute(method, route)
  })
}

/**
 * The current request executes an operation of GraphQL. Its first names the request.
 *
 * @param args - The argument of `execute`.
 */
export function setOperation(args: unknown): void {
  const request = requests.getStore()?.request as RoutedRequest | undefined
  if (request === undefined || request[OPERATION] !== undefined) return
  const name = operationName(args)
  if (name !== undefined) request[OPERATION] = name
}

/** The pattern of a request's route is known. */
export function setRoute(request: IncomingMessage, route: string): void {
  ;(request as RoutedRequest)[ROUTE] = route
}
