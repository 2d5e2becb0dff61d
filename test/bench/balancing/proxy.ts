// A proxy in a separate process: `proxy.ts <kind> <port of a node>…`.
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import httpProxy from '@fastify/http-proxy'
import { createProxy } from '@sluice/http/proxy'
import fastify from 'fastify'
import legacyProxy from 'http-proxy'

const [kind = '', ...ports] = process.argv.slice(2)

async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function open(): Promise<number> {
  let next = 0
  const turn = () => `http://127.0.0.1:${ports[next++ % ports.length]}`
  switch (kind) {
    case 'sluice': {
      const proxy = createProxy({ nodes: ports.map((port) => `127.0.0.1:${port}`), probe: { path: '/' } })
      process.on('message', async (message: { readonly remove?: number }) => {
        if (message.remove === undefined) return
        const { abandoned } = await proxy.balancer.removeNode(`127.0.0.1:${message.remove}`, {
          drainMs: 10_000,
        })
        process.send?.({ abandoned })
      })
      return listen(proxy.handler)
    }
    case '@fastify/http-proxy': {
      const app = fastify()
      await app.register(httpProxy, {
        upstream: '',
        replyOptions: { getUpstream: turn },
        undici: { connections: 1_000, pipelining: 1 },
      })
      await app.listen({ host: '127.0.0.1', port: 0 })
      return (app.server.address() as AddressInfo).port
    }
    case 'http-proxy': {
      const { Agent } = await import('node:http')
      const proxy = legacyProxy.createProxyServer({
        agent: new Agent({ keepAlive: true, maxSockets: 1_000 }),
      })
      proxy.on('error', (_error, _request, response) => {
        if ('writeHead' in response && !response.headersSent) response.writeHead(502).end()
        else response.destroy?.()
      })
      return listen((request, response) => proxy.web(request, response, { target: turn() }))
    }
    default:
      throw new Error(`Expected sluice, @fastify/http-proxy or http-proxy, got ${kind}.`)
  }
}

process.send?.({ port: await open() })
process.on('disconnect', () => process.exit())
