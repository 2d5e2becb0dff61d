import type { Sluice } from '@sluice/core'
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
  routeOf,
} from '@sluice/http'
import type { RequestHandler } from 'express'
import { sluiceArgument } from './sluice-middleware.ts'

export interface HealthMiddleware extends RequestHandler {
  readonly health: Health
}

export interface LoadShedMiddleware extends RequestHandler {
  /** Provides `close` and the statistics. */
  readonly shedding: LoadShedding
}

/**
 * Express middleware that returns the metrics of a Sluice for Prometheus. Use it before authentication
 * middleware.
 *
 * @throws InvalidOptionError; SluiceError `SLUICE_MONITOR_OFF`.
 * @example
 * ```ts
 * app.use('/metrics', sluiceMetrics(sluice))
 * ```
 */
export function sluiceMetrics(sluice?: Sluice, options: MetricsOptions = {}): RequestHandler {
  const handler = createMetricsHandler(sluiceArgument(sluice, 'sluiceMetrics'), options)
  return (request, response) => void handler(request, response)
}

/**
 * Express middleware that responds to health probes at `/healthz` and `/readyz`, below its mount path. Use it
 * before all other middleware.
 *
 * @throws InvalidOptionError.
 * @example
 * ```ts
 * app.use(sluiceHealth(sluice))
 * ```
 */
export function sluiceHealth(sluice?: Sluice, options: HealthOptions = {}): HealthMiddleware {
  const health = createHealth(sluiceArgument(sluice, 'sluiceHealth'), options)
  const middleware: RequestHandler = (request, response, next) => {
    const isProbe = request.method === 'GET' || request.method === 'HEAD'
    if (isProbe && request.path === '/healthz') void health.live(request, response)
    else if (isProbe && request.path === '/readyz') void health.ready(request, response)
    else next()
  }
  return Object.assign(middleware, { health })
}

/**
 * Express middleware that rejects requests with `503` while the process is overloaded. Use it before all
 * other middleware.
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
 * Express middleware that rejects requests with `429` if a client exceeds a rate limit. It identifies clients
 * by `request.ip`: behind a proxy, set Express' `trust proxy`.
 *
 * @throws InvalidOptionError.
 * @example
 * ```ts
 * app.use('/api', sluiceRateLimit({ requests: 100, perSeconds: 60 }))
 * ```
 */
export function sluiceRateLimit(options: RateLimitOptions): RequestHandler {
  const limit = createRateLimit(options)
  return (request, response, next) =>
    void limit.admit(request, response, request.ip).then((is) => is && next())
}

export interface ResponseCacheMiddleware extends RequestHandler {
  /** Provides the statistics. */
  readonly cache: ResponseCache
}

/**
 * Express middleware that serves requests from cached responses, until a write modifies the data behind them.
 * Use it after `sluiceMiddleware` and all authorization, and before the routes or on one of them. Works with
 * Express 4.18 and 5.
 *
 * @throws InvalidOptionError for unknown or invalid options.
 * @example
 * ```ts
 * app.get('/cities', sluiceResponseCache(sluice, { ttlMs: 60_000 }), listCities)
 * ```
 */
export function sluiceResponseCache(
  sluice?: Sluice,
  options: ResponseCacheOptions = {},
): ResponseCacheMiddleware {
  const cache = createResponseCache(sluiceArgument(sluice, 'sluiceResponseCache'), options)
  const middleware: RequestHandler = (request, response, next) => {
    const answered = cache.answer(request, response, {
      url: request.originalUrl,
      query: () => request.query,
      // On a route, each request is named after it.
      ...(request.route === undefined ? { route: () => routeOf(request) } : {}),
    })
    if (answered === false) next()
    else if (answered !== true) answered.then((is) => is || next())
  }
  return Object.assign(middleware, { cache })
}
