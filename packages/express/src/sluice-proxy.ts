import { createProxy, type HttpProxy, type ProxyOptions } from '@sluice/http/proxy'
import type { RequestHandler } from 'express'

export interface ProxyMiddleware extends RequestHandler {
  /** For the server's event `upgrade`, for `close`, for what it counts. */
  readonly proxy: HttpProxy
}

/**
 * Express middleware that passes requests on to nodes. What it is mounted at is taken off the path. It answers every request that reaches it, and must
 * come before whatever reads bodies, such as `express.json()`. Works with Express 4.18 and 5.
 *
 * @throws InvalidOptionError; InvalidArgumentError for a node that is none.
 * @example
 * ```ts
 * const api = sluiceProxy({ nodes: ['10.0.0.1:8080', '10.0.0.2:8080'] })
 * app.use('/api', api)
 * app.listen(8000).on('upgrade', api.proxy.upgrade)
 * ```
 */
export function sluiceProxy(options: ProxyOptions): ProxyMiddleware {
  const proxy = createProxy(options)
  const middleware: RequestHandler = (request, response) => proxy.handler(request, response)
  return Object.assign(middleware, { proxy })
}
