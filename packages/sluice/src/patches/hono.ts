import type { IncomingMessage, ServerResponse } from 'node:http'
import { guarded } from '../guarded.ts'
import { routeFound } from '../scopes/routes.ts'
import { replaceExport, standInOf } from './replace-export.ts'

type Constructor = new (...args: unknown[]) => object

interface Context {
  readonly req: { readonly routeIndex: number }
}

interface ContextOptions {
  /** The arguments that `@hono/node-server` passes to an app. */
  readonly env?: Partial<Bindings>
  /** The handlers of the request, in their order. */
  readonly matchResult?: readonly [readonly Match[], ...unknown[]]
}

interface Bindings {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
}

type Match = readonly [readonly [handler: unknown, route: { readonly path: string }], ...unknown[]]
type RouteOf = () => string | undefined

const WILDCARD = /\/?\*$/

/** The route in the app that was called last: an app can be mounted in another one. */
const routes = new WeakMap<IncomingMessage, RouteOf>()

/** Names requests after the routes of Hono, as CommonJS. */
export function patchHono(exports: unknown): unknown {
  return replaceExport(exports, 'Context', honoContextClass)
}

/** Returns a stand-in for the class of Hono's contexts, with one of which an app handles a request. */
export function honoContextClass(original: unknown): unknown {
  return standInOf(
    original,
    (Context: Constructor) =>
      new Proxy(Context, {
        construct(target, args, newTarget) {
          const context: object = Reflect.construct(target, args, newTarget)
          guarded('Hono', () => contextCreated(context as Context, args[1] ?? {}))
          return context
        },
      }),
  )
}

function contextCreated(context: Context, { env, matchResult }: ContextOptions): void {
  const { incoming, outgoing } = env ?? {}
  if (incoming === undefined || outgoing === undefined || matchResult === undefined) return
  const outer = routes.get(incoming)
  // The last handler that was called is known at the end.
  const routeOf: RouteOf = () => {
    const path = matchResult[0][context.req.routeIndex]?.[0][1].path
    // Only middleware has handled it.
    if (path === undefined || (outgoing.statusCode === 404 && WILDCARD.test(path))) return undefined
    const mount = outer?.()
    return mount !== undefined && WILDCARD.test(mount) ? `${mount.replace(WILDCARD, '')}${path}` : path
  }
  routes.set(incoming, routeOf)
  routeFound('Hono', incoming, routeOf)
}
