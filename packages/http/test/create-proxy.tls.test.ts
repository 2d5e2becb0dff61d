import { once } from 'node:events'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  authority,
  nodeCertificate,
  nodeKey,
  proxyCertificate,
  proxyKey,
} from '../../../test/support/certificates.ts'
import { SOON } from '../../../test/support/patience.ts'
import type { NodeTlsOptions } from '../src/proxy/index.ts'
import { ask, openProxy } from './world.ts'

async function serveTls(options: ServerOptions = {}): Promise<string> {
  const server = createServer({ cert: nodeCertificate, key: nodeKey, ...options }, (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate()
    response.end(`${request.headers['x-forwarded-proto']} ${subject?.CN ?? 'nobody'}`)
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function answer(node: string, tls: NodeTlsOptions) {
  const { port } = await openProxy({ nodes: [node], tls })
  const { status, body } = await ask(port)
  return `${status} ${body}`.trim()
}

describe('TLS to nodes', () => {
  it('accepts only node certificates of the configured authority', async () => {
    const node = await serveTls()
    expect(await answer(node, { ca: authority })).toBe('200 http nobody')
    expect(await answer(node, { ca: [authority] })).toBe('200 http nobody')
    expect(await answer(node, {})).toBe('502')
    expect(await answer(node, { ca: authority, servername: 'node.test' })).toBe('200 http nobody')
    expect(await answer(node, { ca: authority, servername: 'other.test' })).toBe('502')
  })

  it('presents its certificate to nodes that request one', async () => {
    const node = await serveTls({ ca: authority, requestCert: true, rejectUnauthorized: true })
    expect(await answer(node, { ca: authority, cert: proxyCertificate, key: proxyKey })).toBe(
      '200 http proxy.test',
    )
    expect(await answer(node, { ca: authority })).toBe('502')
  })

  it('uses TLS for probes', async () => {
    const node = await serveTls({ ca: authority, requestCert: true, rejectUnauthorized: true })
    const tls = { ca: authority, cert: proxyCertificate, key: proxyKey }
    const { proxy } = await openProxy({
      nodes: [node],
      tls,
      probe: { path: '/', intervalMs: 20, timeoutMs: 2_000 },
    })
    proxy.balancer.updateNodeHealth(node, 'unhealthy')
    await expect.poll(() => proxy.balancer.nodes[0]?.status, SOON).toBe('healthy')
  })

  it('responds with 502 when a node does not use TLS', async () => {
    const { serve } = await import('./world.ts')
    const { address } = await serve((_request, response) => response.end('plain'))
    expect(await answer(address, { ca: authority })).toBe('502')
  })
})
