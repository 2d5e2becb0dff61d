import { guarded } from '../guarded.ts'
import { clients } from '../process-state.ts'
import { type Route, setRoute } from './request-scope.ts'

/**
 * A framework knows the route of a request, which names its scope. It has none before there is a client.
 *
 * @param request - The request of `node:http` or `node:http2`.
 * @param mount - The path below which the app with the route is mounted, without parameters.
 */
export function routeFound(framework: string, request: object, route: Route, mount?: string): void {
  if (clients.areLoaded) guarded(framework, () => setRoute(request, route, mount))
}
