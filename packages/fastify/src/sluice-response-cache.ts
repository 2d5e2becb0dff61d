import { type Sluice, type SluiceOptions, sluiceFrom } from '@sluice/core'
import { checkOptions, option } from '@sluice/core/siblings'
import { createResponseCache, type ResponseCache, type ResponseCacheOptions } from '@sluice/http'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, RouteHandlerMethod, RouteOptions } from 'fastify'
import { definePlugin } from './define-plugin.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the route's responses are kept by `sluiceResponseCache`, and how where that differs from its options. */
    readonly responseCache?: boolean | ResponseCacheOptions
  }
}

export interface SluiceResponseCacheOptions extends ResponseCacheOptions {
  /**
   * The Sluice that `sluicePlugin` was given.
   * @defaultValue the process-wide one
   */
  readonly sluice?: Sluice | SluiceOptions
  /**
   * Whether all routes are meant that do not say `config: \{ responseCache: false \}`; otherwise those are that say `true`, or options of their own.
   * @defaultValue false
   */
  readonly allRoutes?: boolean
}

/**
 * Fastify plugin that answers requests with responses that were kept, as long as nothing is written to what they were made from: for routes with
 * `config: { responseCache: true }`. Register it after `sluicePlugin` and before the routes. A route's own hooks, such as those that decide who may be
 * answered, run before. Works with Fastify 5.
 *
 * Registering it with unknown options fails with an InvalidOptionError.
 *
 * @example
 * ```ts
 * await app.register(sluicePlugin, { sluice })
 * await app.register(sluiceResponseCache, { sluice, ttlMs: 60_000 })
 * app.get('/cities', { config: { responseCache: true } }, listCities)
 * ```
 */
export const sluiceResponseCache: FastifyPluginAsync<SluiceResponseCacheOptions> = definePlugin('@sluice/fastify/response-cache', register)

async function register(app: FastifyInstance, given: SluiceResponseCacheOptions): Promise<void> {
  const { sluice: sluiceGiven, allRoutes = false, ...defaults } = given
  checkOptions({ sluice: sluiceGiven, allRoutes }, { sluice: option.object, allRoutes: option.boolean })
  const sluice = sluiceFrom(sluiceGiven)
  const shared = createResponseCache(sluice, defaults)
  app.addHook('onRoute', (route) => {
    const said = (route.config as { responseCache?: boolean | ResponseCacheOptions } | undefined)?.responseCache ?? allRoutes
    if (said === false || !isRead(route)) return
    const cache = said === true ? shared : createResponseCache(sluice, { ...defaults, ...said })
    route.handler = cached(cache, route.handler)
  })
}

function isRead({ method }: RouteOptions): boolean {
  return [method].flat().some((one) => one === 'GET' || one === 'HEAD')
}

/** The handler, where no kept response answers. Around the handler: there is no later place that hooks of the app could not come after. */
function cached(cache: ResponseCache, handler: RouteHandlerMethod): RouteHandlerMethod {
  return function (this: FastifyInstance, request: FastifyRequest, reply: FastifyReply) {
    const answered = cache.answer(request.raw, reply.raw, {
      url: request.originalUrl,
      query: () => request.query,
      beforeSend: () => giveUp(reply),
    })
    if (answered === true) return undefined
    if (answered === false) return handler.call(this, request, reply)
    return answered.then((is) => {
      if (is) return undefined
      const result: unknown = handler.call(this, request, reply)
      // A handler that is not asynchronous sends later by itself.
      return isThenable(result) ? result : reply
    })
  }
}

/** What hooks have set so far is sent along; what the response was kept with comes over it. */
function giveUp(reply: FastifyReply): void {
  const { raw } = reply
  const headers = reply.getHeaders()
  // It has those that `raw` has, too.
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined && raw.getHeader(name) !== value) raw.setHeader(name, value)
  }
  reply.hijack()
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}
