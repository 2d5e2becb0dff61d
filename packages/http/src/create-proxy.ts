import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { LoadBalancingEngine } from '@sluice/core'
import { handleRequest } from './handle-request.ts'
import { Prober } from './prober.ts'
import { ProxyCore } from './proxy-core.ts'
import type { ProxyOptions } from './proxy-options.ts'
import { resolveProxyOptions } from './resolve-proxy-options.ts'
import { openTunnel } from './tunnel.ts'

export interface ProxyStats {
  /** Includes WebSockets. */
  readonly requests: number
  /** Requests that were sent to a second node because the first one had failed. */
  readonly retries: number
  /** Retries that were not sent because the retry budget was exhausted. */
  readonly withoutBudget: number
  /** Requests that were also sent to a second node because the first one took too long. */
  readonly hedges: number
  /** Requests for which no available node had capacity. */
  readonly noNode: number
  /**
   * Requests that were rejected and connections that were closed because a client exceeded one of its limits.
   */
  readonly limited: number
  /** Requests that were rejected because the process was overloaded. */
  readonly shed: number
  /** Requests that the proxy answered with an error. Includes those for which no node was available. */
  readonly failed: number
}

export interface CloseProxyOptions {
  /**
   * Milliseconds that requests and WebSockets in flight have to finish. Then they are closed.
   * @defaultValue 5000
   */
  readonly graceMs?: number
}

/** Forwards requests to nodes. */
export interface HttpProxy {
  /** Handles a request. Use it with `node:http`, or as the last handler of a middleware chain. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void
  /** Forwards a WebSocket. Use it for the server's event `upgrade`. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /**
   * Closes connections of clients that have too many (`maxConnectionsPerClient`). Use it for the server's
   * event `connection`.
   */
  readonly connection: (socket: Socket) => void
  readonly balancer: LoadBalancingEngine
  getStats(): ProxyStats
  /** Stops probes and closes connections. A balancer that you passed in stays open. */
  close(options?: CloseProxyOptions): Promise<void>
}

/**
 * Creates a reverse proxy that keeps responding when a node crashes, hangs or is removed: requests that are
 * safe to repeat are sent to another node.
 *
 * @throws InvalidOptionError; InvalidArgumentError for an invalid node.
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { createProxy } from '@sluice/http/proxy'
 *
 * const proxy = createProxy({ nodes: ['10.0.0.1:8080', '10.0.0.2:8080'], probe: { path: '/health' } })
 * createServer(proxy.handler).on('upgrade', proxy.upgrade).listen(80)
 * ```
 */
export function createProxy(options: ProxyOptions): HttpProxy {
  const resolved = resolveProxyOptions(options)
  const core = new ProxyCore(resolved)
  const prober = resolved.probe === undefined ? undefined : new Prober(core, resolved.probe)
  return {
    balancer: resolved.balancer,
    handler: (request, response) => handleRequest(core, request, response),
    upgrade: (request, socket, head) => openTunnel(core, request, socket, head),
    connection: (socket) => core.connected(socket),
    getStats: () => ({ ...core.counts }),
    async close({ graceMs = 5_000 } = {}) {
      await Promise.all([prober?.close(), core.close(graceMs)])
    },
  }
}
