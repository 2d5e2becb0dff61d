import { type Sluice, sluiceFrom } from '@sluice/core'
import {
  createHealth,
  createLoadShedding,
  createMetricsHandler,
  createRateLimit,
  type Health,
  type HealthOptions,
  type LoadShedding,
  type LoadShedOptions,
  type MetricsOptions,
  type RateLimitOptions,
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
