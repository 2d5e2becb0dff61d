import { type Sluice, sluiceFrom } from '@sluice/core'
import {
  createHealth,
  createLoadShedding,
  createMetricsHandler,
  createRateLimit,
  createResponseCache,
  type Health,
  type HealthOptions,
  type LoadShedding,
  type LoadShedOptions,
  type MetricsOptions,
  type RateLimitOptions,
  type ResponseCache,
  type ResponseCacheOptions,
} from '@sluice/http'
import type { RequestHandler } from 'express'

export interface HealthMiddleware extends RequestHandler {
  readonly health: Health
}

export interface LoadShedMiddleware extends RequestHandler {
  /** For `close`, for what it counts. */
  readonly shedding: LoadShedding
}

/**
 * Express middleware that answers with the metrics of a Sluice, as Prometheus reads them. Use it before whatever asks who somebody is.
 *
 * @throws InvalidOptionError; SluiceError `SLUICE_MONITOR_OFF`.
 * @example
 * ```ts
 * app.use('/metrics', sluiceMetrics(sluice))
 * ```
 */
export function sluiceMetrics(sluice?: Sluice, options: MetricsOptions = {}): RequestHandler {
  const handler = createMetricsHandler(sluiceFrom(sluice), options)
  return (request, response) => void handler(request, response)
}

/**
 * Express middleware that answers probes at `/healthz` and `/readyz` of where it is mounted. Use it before everything else.
 *
 * @throws InvalidOptionError.
 * @example
 * ```ts
 * app.use(sluiceHealth(sluice))
 * ```
 */
export function sluiceHealth(sluice?: Sluice, options: HealthOptions = {}): HealthMiddleware {
  const health = createHealth(sluiceFrom(sluice), options)
  const middleware: RequestHandler = (request, response, next) => {
    const isProbe = request.method === 'GET' || request.method === 'HEAD'
    if (isProbe && request.path === '/healthz') void health.live(request, response)
    else if (isProbe && request.path === '/readyz') void health.ready(request, response)
    else next()
  }
  return Object.assign(middleware, { health })
}

/**
 * Express middleware that refuses requests with `503` when the process has more to do than it can. Use it before everything else.
 *
 * @throws InvalidOptionError.
 * @example
 * ```ts
 * app.use(sluiceLoadShed({ maxConcurrent: 200 }))
 * ```
 */
export function sluiceLoadShed(options: LoadShedOptions = {}): LoadShedMiddleware {
  const shedding = createLoadShedding(options)
  const middleware: RequestHandler = (request, response, next) => {
    if (shedding.admit(request, response, request.originalUrl)) next()
  }
  return Object.assign(middleware, { shedding })
}

/**
 * Express middleware that refuses the requests of clients that send too many with `429`. Clients are told apart by `request.ip`: set Express' `trust proxy`
 * behind one.
 *
 * @throws InvalidOptionError.
 * @example
 * ```ts
 * app.use('/api', sluiceRateLimit({ requests: 100, perSeconds: 60 }))
 * ```
 */
export function sluiceRateLimit(options: RateLimitOptions): RequestHandler {
  const limit = createRateLimit(options)
  return (request, response, next) => void limit.admit(request, response, request.ip).then((is) => is && next())
}

export interface ResponseCacheMiddleware extends RequestHandler {
  /** What it counts. */
  readonly cache: ResponseCache
}

/**
 * Express middleware that answers requests with responses that were kept, as long as nothing is written to what they were made from. Use it after
 * `sluiceMiddleware` and after all that decides who may be answered, before the routes or on one of them. Works with Express 4.18 and 5.
 *
 * @throws InvalidOptionError for options that are unknown or wrong.
 * @example
 * ```ts
 * app.get('/cities', sluiceResponseCache(sluice, { ttlMs: 60_000 }), listCities)
 * ```
 */
export function sluiceResponseCache(sluice?: Sluice, options: ResponseCacheOptions = {}): ResponseCacheMiddleware {
  const cache = createResponseCache(sluiceFrom(sluice), options)
  const middleware: RequestHandler = (request, response, next) => {
    const answered = cache.answer(request, response, { url: request.originalUrl, query: () => request.query })
    if (answered === false) next()
    else if (answered !== true) answered.then((is) => is || next())
  }
  return Object.assign(middleware, { cache })
}
