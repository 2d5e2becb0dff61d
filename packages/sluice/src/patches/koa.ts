import type { IncomingMessage } from 'node:http'
import { routeFound } from '../scopes/routes.ts'

/** A route of `@koa/router` or `koa-router`, or a middleware of it, which has no methods. */
interface Layer {
  readonly path: unknown
  readonly methods: readonly string[]
}

interface Context {
  readonly req: IncomingMessage
  readonly originalUrl: string
  /** Changed by `koa-mount`, which removes the path of the mount. */
  readonly path: string
  readonly mountPath?: string
  readonly matched?: readonly Layer[]
  [MATCHED]?: unknown
}

/** The property of a context with the value that the app reads from `_matchedRoute`. */
const MATCHED = Symbol('sluice.matched')

/** Names requests after the routes of Koa's routers, which assign them to the context of a request. */
export function patchKoaContext(exports: unknown): unknown {
  Object.defineProperty(exports, '_matchedRoute', {
    configurable: true,
    get(this: Context) {
      return this[MATCHED]
    },
    set(this: Context, route: unknown) {
      this[MATCHED] = route
      // Routers also assign the paths of their middleware, such as the prefix.
      const isRoute = this.matched?.some(({ path, methods }) => path === route && methods.length > 0) ?? true
      if (isRoute && route !== undefined) routeFound('Koa', this.req, String(route), mountOf(this))
    },
  })
  return exports
}

function mountOf({ mountPath, originalUrl, path }: Context): string {
  const [whole = ''] = originalUrl.split('?', 1)
  if (mountPath === undefined) return ''
  if (path === '/') return whole
  return whole.endsWith(path) ? whole.slice(0, -path.length) : ''
}
