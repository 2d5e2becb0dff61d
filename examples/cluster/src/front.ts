import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BalancingEvents, LoadBalancingEngine } from '@sluice/core'
import { createProxy, type ProbeOptions } from '@sluice/http/proxy'

/** About half of the time until a hanging or recovered node is detected. */
const PROBE = { intervalMs: 250, timeoutMs: 500 }

/** The single address of the nodes. */
export interface Front {
  readonly origin: string
  readonly balancer: LoadBalancingEngine
  close(): Promise<void>
}

/**
 * Serves the nodes on the loopback interface.
 *
 * @param port - `0` for any free one.
 * @param probe - Options of the probes, for slower machines.
 */
export async function openFront(
  nodes: readonly string[],
  port: number,
  probe: Partial<ProbeOptions> = {},
): Promise<Front> {
  const proxy = createProxy({ nodes, probe: { path: '/health', ...PROBE, ...probe } })
  const server = createServer(proxy.handler).on('upgrade', proxy.upgrade)
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  } catch (error) {
    await proxy.close()
    throw error
  }
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    balancer: proxy.balancer,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await Promise.all([closed, proxy.close({ graceMs: 0 })])
    },
  }
}

const texts: { readonly [K in keyof BalancingEvents]: (event: BalancingEvents[K]) => string } = {
  nodeAdded: ({ node }) => `${node.id} was added`,
  draining: ({ node, activeConnections }) =>
    `${node.id} receives no new requests; ${activeConnections} are in flight`,
  nodeRemoved: ({ node, abandoned }) => `${node.id} was removed; ${abandoned} requests were abandoned`,
  statusChanged: ({ node, from, to }) => `${node.id} is ${to} (before: ${from})`,
  ejected: ({ node, reason, forMs }) =>
    `${node.id} receives no requests for ${Math.round(forMs / 1_000)} s: ${reason}`,
  reinstated: ({ node }) => `${node.id} is reinstated`,
  panic: ({ isPanic }) =>
    isPanic ? 'too few nodes are healthy: ejected nodes receive requests' : 'enough nodes are healthy again',
  strategyChanged: ({ from, to }) => `the strategy is ${to} (before: ${from})`,
}

/** Prints the actions of the balancer; returns a function that stops it. */
export function tellEvents(balancer: LoadBalancingEngine, tell: (text: string) => void): () => void {
  const listen = <K extends keyof BalancingEvents>(event: K) =>
    balancer.on(event, (payload) => tell(texts[event](payload)))
  const stops = (Object.keys(texts) as (keyof BalancingEvents)[]).map((event) => listen(event))
  return () => {
    for (const stop of stops) stop()
  }
}
