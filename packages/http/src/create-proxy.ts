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
  /** WebSockets included. */
  readonly requests: number
  /** Requests that were sent to another node because the first had failed. */
  readonly retries: number
  /** Retries that there was no budget for. */
  readonly withoutBudget: number
  /** Requests that a second node was asked for because the first took long. */
  readonly hedges: number
  /** Requests for which no node was up and had room. */
  readonly noNode: number
  /** Requests and connections of clients that had sent too many, or had too many under way. */
  readonly limited: number
  /** Requests that were refused because the process was late. */
  readonly shed: number
  /** Requests that the proxy answered itself, with an error; those for which there was no node included. */
  readonly failed: number
}

export interface CloseProxyOptions {
  /**
   * Milliseconds that requests and WebSockets under way have to end; then they are cut.
   * @defaultValue 5000
   */
  readonly graceMs?: number
}

/** Passes requests on to nodes. */
export interface HttpProxy {
  /** Answers a request: for `node:http`, or at the end of a chain of middleware. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void
  /** Passes on a WebSocket: for the server's event `upgrade`. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** Closes connections of clients that have too many (`maxConnectionsPerClient`): for the server's event `connection`. */
  readonly connection: (socket: Socket) => void
  readonly balancer: LoadBalancingEngine
  getStats(): ProxyStats
  /** Ends probes and connections; a balancer that was handed in stays open. */
  close(options?: CloseProxyOptions): Promise<void>
}

/**
 * A reverse proxy that keeps answering when a node dies, hangs, or leaves: what may be sent twice goes to another node.
 *
 * @throws InvalidOptionError; InvalidArgumentError for a node that is none.
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
