import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { InvalidOptionError } from '@sluice/core'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { SOON } from '../../../test/support/patience.ts'
import { nodeAuthVerifier, requireNodeAuth } from '../src/index.ts'
import { signNodeRequest } from '../src/node-auth.ts'
import { ask, askRaw, openProxy, serve, statusOf } from './world.ts'

const OLD = 'the old secret of ours'
const NEW = 'the new secret of ours'

/** A node that accepts only requests from a proxy. */
async function guarded(secrets: string | string[]) {
  const guard = requireNodeAuth({ secrets })
  const seen: (string | undefined)[] = []
  const node = await serve((request, response) => {
    seen.push(request.headers['x-sluice-node-auth'] as string | undefined)
    guard(request, response, () => response.end('in'))
  })
  return { ...node, seen }
}

describe('node authentication', () => {
  it('accepts requests from the proxy, and rejects all others', async () => {
    const node = await guarded(OLD)
    const { port } = await openProxy({ nodes: [node.address], nodeAuth: OLD })
    expect(await ask(port, { path: '/a?b=1' })).toMatchObject({ status: 200, body: 'in' })
    expect((await ask(port, { method: 'POST', path: '/a', body: 'x' })).status).toBe(200)
    expect((await ask(node.port)).status).toBe(403)
    const without = await openProxy({ nodes: [node.address] })
    expect((await ask(without.port)).status).toBe(403)
    const another = await openProxy({ nodes: [node.address], nodeAuth: NEW })
    expect((await ask(another.port)).status).toBe(403)
  })

  it('removes the authentication header when a client sends it through the proxy', async () => {
    const node = await guarded(OLD)
    const proof = signNodeRequest(
      OLD,
      { method: 'GET', path: '/', host: 'a' },
      Math.floor(Date.now() / 1_000),
    )
    const { port } = await openProxy({ nodes: [node.address] })
    expect(
      statusOf(await askRaw(port, `GET / HTTP/1.1\r\nhost: a\r\nx-sluice-node-auth: ${proof}\r\n\r\n`)),
    ).toBe(403)
    expect(node.seen).toEqual([undefined])
    expect(
      statusOf(await askRaw(node.port, `GET / HTTP/1.1\r\nhost: a\r\nX-Sluice-Node-Auth: ${proof}\r\n\r\n`)),
    ).toBe(200)
  })

  it('accepts all requests during a rotation of secrets', async () => {
    const node = await guarded([NEW, OLD])
    for (const nodeAuth of [OLD, [OLD, NEW], NEW, [NEW, OLD]]) {
      const { port } = await openProxy({ nodes: [node.address], nodeAuth })
      expect((await ask(port)).status).toBe(200)
    }
  })

  it('accepts a signature for one request and for one minute', () => {
    const verify = nodeAuthVerifier({ secrets: OLD })
    const now = Math.floor(Date.now() / 1_000)
    const request = (value: string | undefined, changed: object = {}) => ({
      method: 'GET',
      url: '/a?b=1',
      headers: { host: 'shop', 'x-sluice-node-auth': value },
      ...changed,
    })
    const proof = (at = now) => signNodeRequest(OLD, { method: 'GET', path: '/a?b=1', host: 'shop' }, at)
    const verified = (value: string | undefined, changed?: object) => verify(request(value, changed) as never)
    expect(verified(proof())).toBe(true)
    expect(verified(proof(now - 59))).toBe(true)
    expect(verified(proof(now + 59))).toBe(true)
    expect(verified(proof(now - 62))).toBe(false)
    expect(verified(proof(now + 62))).toBe(false)
    expect(verified(proof(), { method: 'POST' })).toBe(false)
    expect(verified(proof(), { url: '/a?b=2' })).toBe(false)
    expect(verified(proof(), { headers: { host: 'other', 'x-sluice-node-auth': proof() } })).toBe(false)
    expect(verified(proof(), { url: '/b', originalUrl: '/a?b=1' })).toBe(true)
    for (const bad of [
      undefined,
      '',
      proof().slice(0, -1),
      `${proof()}0`,
      proof().replace('v1', 'v2'),
      proof().replace(/.$/, 'g'),
    ]) {
      expect(verified(bad)).toBe(false)
    }
    expect(nodeAuthVerifier({ secrets: OLD, maxAgeSeconds: 5 })(request(proof(now - 8)) as never)).toBe(false)
  })

  it('signs WebSocket handshakes and probes', async () => {
    const isFromProxy = nodeAuthVerifier({ secrets: OLD })
    const probed = vi.fn()
    const server = createServer((request, response) => {
      const isIn = isFromProxy(request)
      if (request.url === '/health') probed(isIn)
      response.writeHead(isIn ? 200 : 403).end()
    })
    server.on('upgrade', (request, socket) => {
      socket.end(
        isFromProxy(request)
          ? 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'
          : 'HTTP/1.1 403 No\r\n\r\n',
      )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const probe = { path: '/health', intervalMs: 20 }
    const { port } = await openProxy({ nodes: [address], nodeAuth: [OLD, NEW], probe })
    expect(
      statusOf(
        await askRaw(port, 'GET /a HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'),
      ),
    ).toBe(101)
    await expect.poll(() => probed.mock.calls.length, SOON).toBeGreaterThan(0)
    expect(probed.mock.calls.every(([isIn]) => isIn)).toBe(true)
  })

  it.each([['short'], [''], [[]], [[OLD, 'short']], [5], [undefined]])(
    'rejects the secrets %o without showing them',
    (secrets) => {
      expect(() => nodeAuthVerifier({ secrets: secrets as never })).toThrow(InvalidOptionError)
      expect(() => nodeAuthVerifier({ secrets: secrets as never })).not.toThrow('short')
    },
  )
})
