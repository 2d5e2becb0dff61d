import type { ServerResponse } from 'node:http'

const ROUTE = Symbol('sluice.route')
type Routed = ServerResponse & { [ROUTE]?: string }

/** Records the route of the app that created a cached response, when the response is sent. */
export function setCachedRoute(response: ServerResponse, route: string): void {
  ;(response as Routed)[ROUTE] = route
}

/** Returns the route of a response that was sent from the cache; `undefined` if it is not known. */
export function cachedRouteOf(response: ServerResponse): string | undefined {
  return (response as Routed)[ROUTE]
}
