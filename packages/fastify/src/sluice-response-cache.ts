import { type Sluice, type SluiceOptions, sluiceFrom } from '@sluice/core'
import { checkOptions, option } from '@sluice/core/siblings'
import { createResponseCache, type ResponseCache, type ResponseCacheOptions } from '@sluice/http'
import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  RouteHandlerMethod,
  RouteOptions,
} from 'fastify'
import { definePlugin } from './define-plugin.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Whether `sluiceResponseCache` caches the route's responses, or options that override those of the
     * plugin.
     */
    readonly responseCache?: boolean | ResponseCacheOptions
  }
}

export interface SluiceResponseCacheOptions extends ResponseCacheOptions {
  /**
   * The Sluice that you passed to `sluicePlugin`.
   * @defaultValue the process-wide Sluice
   */
  readonly sluice?: Sluice | SluiceOptions
  /**
   * `true`: caches all routes except those with `config: \{ responseCache: false \}`. `false`: caches only
   * routes with `true` or with options.
   * @defaultValue false
   */
  readonly allRoutes?: boolean
}

/**
 * Fastify plugin that serves requests from cached responses, until a write modifies the data behind them.
 * Applies to routes with `config: { responseCache: true }`. Register it after `sluicePlugin` and before the
 * routes. A route's hooks, such as authorization, run first. Works with Fastify 5.
 *
 * If an option is unknown, registration fails with an InvalidOptionError.
 *
 * @example
 * ```ts
 * await app.register(sluicePlugin, { sluice })
 * await app.register(sluiceResponseCache, { sluice, ttlMs: 60_000 })
 * app.get('/cities', { config: { responseCache: true } }, listCities)
 * ```
 */
export const sluiceResponseCache: FastifyPluginAsync<SluiceResponseCacheOptions> = definePlugin(
  '@sluice/fastify/response-cache',
  register,
)

async function register(app: FastifyInstance, options: SluiceResponseCacheOptions): Promise<void> {
  const { sluice: sluiceOption, allRoutes = false, ...defaults } = options
  checkOptions({ sluice: sluiceOption, allRoutes }, { sluice: option.object, allRoutes: option.boolean })
  const sluice = sluiceFrom(sluiceOption)
  const shared = createResponseCache(sluice, defaults)
  app.addHook('onRoute', (route) => {
    const directives =
      (route.config as { responseCache?: boolean | ResponseCacheOptions } | undefined)?.responseCache ??
      allRoutes
    if (directives === false || !isRead(route)) return
    const cache = directives === true ? shared : createResponseCache(sluice, { ...defaults, ...directives })
    route.handler = cached(cache, route.handler)
  })
}

function isRead({ method }: RouteOptions): boolean {
  return [method].flat().some((one) => one === 'GET' || one === 'HEAD')
}

/**
 * Calls the handler if there is no cached response. It wraps the handler because hooks of the app could run
 * after any later hook.
 */
function cached(cache: ResponseCache, handler: RouteHandlerMethod): RouteHandlerMethod {
  return function (this: FastifyInstance, request: FastifyRequest, reply: FastifyReply) {
    const answered = cache.answer(request.raw, reply.raw, {
      url: request.originalUrl,
      query: () => request.query,
      beforeSend: () => skipCache(reply),
    })
    if (answered === true) return undefined
    if (answered === false) return handler.call(this, request, reply)
    return answered.then((is) => {
      if (is) return undefined
      const result: unknown = handler.call(this, request, reply)
      // A synchronous handler sends its response later.
      return isThenable(result) ? result : reply
    })
  }
}

/** Sends the headers that hooks have set so far. Headers of the cached response override them. */
function skipCache(reply: FastifyReply): void {
  const { raw } = reply
  const headers = reply.getHeaders()
  // It includes the headers of `raw`.
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined && raw.getHeader(name) !== value) raw.setHeader(name, value)
  }
  reply.hijack()
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}
