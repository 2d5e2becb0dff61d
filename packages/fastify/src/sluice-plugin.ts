import { type ScopeHandle, type Sluice, type SluiceOptions, sluiceFrom } from '@sluice/core'
import { checkOptions, option } from '@sluice/core/siblings'
import {
  type ConsistencyCookieOptions,
  createConsistencyCookie,
  type RequestIdOptions,
  RequestIds,
  RequestScopes,
} from '@sluice/http'
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import { definePlugin } from './define-plugin.ts'

export interface SluicePluginOptions {
  /**
   * A Sluice, or options for a new one, which is closed with the app.
   * @defaultValue the process-wide Sluice
   */
  readonly sluice?: Sluice | SluiceOptions
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

/**
 * Fastify plugin that opens a scope for each request, in which Sluice counts and batches queries. Register it
 * first: hooks that were added earlier run outside the scope. Works with Fastify 5.
 *
 * The scope ends after the response was sent. In detection's `throw` mode, its findings therefore cannot fail
 * the request: they are emitted as usual, and a process warning reports this once. In tests of routes, wrap
 * the request in `expectNoNPlusOne` of `@sluice/core/testing`.
 *
 * If an option is unknown, registration fails with an InvalidOptionError.
 *
 * @example
 * ```ts
 * await app.register(sluicePlugin, { sluice })
 * ```
 */
export const sluicePlugin: FastifyPluginAsync<SluicePluginOptions> = definePlugin('@sluice/fastify', register)

const rules = {
  sluice: option.object,
  report: option.boolean,
  serverTiming: option.boolean,
  consistencyCookie: option.either(option.boolean, option.object),
  requestId: option.either(option.boolean, option.object),
}

async function register(app: FastifyInstance, options: SluicePluginOptions): Promise<void> {
  const { sluice: instance, consistencyCookie: carried = false, requestId = true, ...reporting } = options
  checkOptions(options, rules)
  const sluice = sluiceFrom(instance)
  const scopes = new RequestScopes(sluice, reporting)
  const consistencyCookie =
    carried === false ? undefined : createConsistencyCookie(sluice, carried === true ? {} : carried)
  const ids = requestId === false ? undefined : new RequestIds(requestId === true ? {} : requestId)
  const key = Symbol('sluice.scope')
  type Scoped = FastifyRequest & { [key]?: ScopeHandle | null }

  app.decorateRequest(key, null)
  app.addHook('onRequest', (request: Scoped, reply, done) => {
    const route = request.is404 ? undefined : request.routeOptions.url
    const scope = scopes.open(reply.raw, scopes.names.ofRoute(request.method, route))
    scope.requestId = ids?.of(request.raw, reply.raw)
    request[key] = scope
    scope.enter(() => {
      consistencyCookie?.carry(request.raw, reply.raw, request.protocol === 'https')
      done()
    })
  })

  const enterAgain = (request: Scoped, done: () => void) => {
    const scope = request[key]
    if (scope) scope.enter(done)
    else done()
  }
  // A hook of the app may continue from an event of the body's stream, which belongs to the connection.
  app.addHook('preValidation', (request, _reply, done) => enterAgain(request, done))
  // Fastify sets the timer of `handlerTimeout` before the first hook.
  app.addHook('onError', (request, _reply, _error, done) => enterAgain(request, done))

  app.addHook('onClose', async () => {
    scopes.close()
    if (instance !== undefined && instance !== sluice) await sluice.close()
  })
}
