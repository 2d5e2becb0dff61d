import { type Sluice, type SluiceOptions, sluiceFrom } from '@sluice/core'
import { checkOptions, option } from '@sluice/core/siblings'
import {
  createHealth,
  createLoadShedding,
  createMetricsHandler,
  createRateLimit,
  gracefulShutdown,
  type HealthOptions,
  type LoadShedOptions,
  type MetricsOptions,
  type OperationsHandler,
  type RateLimitOptions,
  type ShutdownOptions,
} from '@sluice/http'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { definePlugin } from './define-plugin.ts'

export interface SluiceMetricsOptions extends MetricsOptions {
  /**
   * The Sluice whose metrics are returned.
   * @defaultValue the process-wide Sluice
   */
  readonly sluice?: Sluice | SluiceOptions
  /**
   * Path of the route.
   * @defaultValue '/metrics'
   */
  readonly path?: string
}

export interface SluiceHealthOptions extends HealthOptions {
  /**
   * The Sluice that is checked.
   * @defaultValue the process-wide Sluice
   */
  readonly sluice?: Sluice | SluiceOptions
}

export interface SluiceShutdownOptions extends ShutdownOptions {
  /**
   * The Sluice that is closed with the app.
   * @defaultValue the process-wide Sluice
   */
  readonly sluice?: Sluice | SluiceOptions
}

/**
 * Fastify plugin that returns the metrics of a Sluice for Prometheus, at `/metrics`. Works with Fastify 5.
 *
 * @example
 * ```ts
 * await app.register(sluiceMetrics, { sluice })
 * ```
 */
export const sluiceMetrics: FastifyPluginAsync<SluiceMetricsOptions> = definePlugin(
  '@sluice/fastify/metrics',
  async (app, options: SluiceMetricsOptions) => {
    const { sluice, path = '/metrics', ...own } = options
    route(app, path, createMetricsHandler(sluiceFrom(sluice), own))
  },
)

/**
 * Fastify plugin that responds to health probes at `/healthz` and `/readyz`. Works with Fastify 5.
 *
 * @example
 * ```ts
 * await app.register(sluiceHealth, { sluice })
 * ```
 */
export const sluiceHealth: FastifyPluginAsync<SluiceHealthOptions> = definePlugin(
  '@sluice/fastify/health',
  async (app, options: SluiceHealthOptions) => {
    const { sluice, ...own } = options
    const health = createHealth(sluiceFrom(sluice), own)
    route(app, '/healthz', health.live)
    route(app, '/readyz', health.ready)
  },
)

/**
 * Fastify plugin that rejects requests with `503` while the process is overloaded. Register it first. Works
 * with Fastify 5.
 *
 * @example
 * ```ts
 * await app.register(sluiceLoadShed, { maxConcurrent: 200 })
 * ```
 */
export const sluiceLoadShed: FastifyPluginAsync<LoadShedOptions> = definePlugin(
  '@sluice/fastify/load-shed',
  async (app, options: LoadShedOptions) => {
    const shedding = createLoadShedding(options)
    app.addHook('onRequest', (request, reply, done) => {
      // `admit` has already sent a response, and Fastify skips the remaining steps.
      if (shedding.admit(request.raw, reply.raw, request.originalUrl)) done()
      else reply.hijack()
    })
    app.addHook('onClose', async () => shedding.close())
  },
)

/**
 * Fastify plugin that rejects requests with `429` if a client exceeds a rate limit. It identifies clients by
 * `request.ip`: behind a proxy, set Fastify's `trustProxy`. Works with Fastify 5.
 *
 * @example
 * ```ts
 * await app.register(sluiceRateLimit, { requests: 100, perSeconds: 60 })
 * ```
 */
export const sluiceRateLimit: FastifyPluginAsync<RateLimitOptions> = definePlugin(
  '@sluice/fastify/rate-limit',
  async (app, options: RateLimitOptions) => {
    const limit = createRateLimit(options)
    app.addHook('onRequest', (request, reply, done) => {
      limit.admit(request.raw, reply.raw, request.ip).then((is) => {
        if (is) done()
        else reply.hijack()
      })
    })
  },
)

/**
 * Fastify plugin that shuts the app down at a signal without failing requests: see `gracefulShutdown` of
 * `@sluice/http`. It also closes the app. Works with Fastify 5.
 *
 * @example
 * ```ts
 * await app.register(sluiceShutdown, { sluice, drainDelayMs: 5_000 })
 * ```
 */
export const sluiceShutdown: FastifyPluginAsync<SluiceShutdownOptions> = definePlugin(
  '@sluice/fastify/shutdown',
  async (app, options: SluiceShutdownOptions) => {
    const { sluice: instance, close, ...own } = options
    checkOptions({ close }, { close: option.callback })
    const sluice = sluiceFrom(instance)
    const closing = gracefulShutdown(app.server as Parameters<typeof gracefulShutdown>[0], sluice, {
      ...own,
      close: async () => {
        await app.close()
        await close?.()
      },
    })
    // An app that is closed in another way no longer needs the signals.
    app.addHook('onClose', async () => closing.dispose())
  },
)

/** Sends the response unchanged, without the hooks that would modify it. */
function route(app: FastifyInstance, url: string, handler: OperationsHandler): void {
  app.route({
    method: ['GET', 'HEAD'],
    url,
    config: { responseCache: false },
    handler: (request: FastifyRequest, reply: FastifyReply) => {
      reply.hijack()
      void handler(request.raw, reply.raw)
    },
  })
}
