import { createProxy, type HttpProxy, type ProxyOptions } from '@sluice/http/proxy'
import type { RequestHandler } from 'express'

export interface ProxyMiddleware extends RequestHandler {
  /** Provides the listener for the server's event `upgrade`, `close` and the statistics. */
  readonly proxy: HttpProxy
}

/**
 * Express middleware that forwards requests to nodes, without the mount path. It responds to every request
 * that reaches it. Use it before middleware that reads bodies, such as `express.json()`. Works with Express
 * 4.18 and 5.
 *
 * @throws InvalidOptionError; InvalidArgumentError for an invalid node.
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
