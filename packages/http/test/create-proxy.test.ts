import { once } from 'node:events'
import { connect } from 'node:net'
import { InvalidOptionError, LoadBalancingEngine } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { ownNow } from '../../../test/support/own-clock.ts'
import { SOON } from '../../../test/support/patience.ts'
import { createProxy } from '../src/proxy/index.ts'
import { ask, askRaw, openProxy, serve, serveRaw, statusOf, unusedAddress } from './world.ts'

describe('createProxy', () => {
  it('forwards a request and returns the response of the node', async () => {
    const node = await serve(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      response.writeHead(201, { 'content-type': 'text/plain', 'x-node': 'a' })
      response.end(`${request.method} ${request.url} ${request.headers.host} ${body}`)
    })
    const { port } = await openProxy({ nodes: [node.address] })
    const answer = await ask(port, { method: 'POST', path: '/a/b?c=%20d', body: 'hello' })
    expect(answer).toMatchObject({ status: 201, headers: { 'content-type': 'text/plain', 'x-node': 'a' } })
    expect(answer.body).toBe(`POST /a/b?c=%20d 127.0.0.1:${port} hello`)
  })

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('forwards %s requests', async (method) => {
    const node = await serve((request, response) => response.end(request.method))
    const { port } = await openProxy({ nodes: [node.address] })
    expect((await ask(port, { method, body: method === 'PUT' ? 'x' : '' })).body).toBe(
      method === 'HEAD' ? '' : method,
    )
  })

  it('forwards bodies of any size in both directions without changes', async () => {
    const node = await serve((request, response) => request.pipe(response))
    const { port } = await openProxy({ nodes: [node.address] })
    for (const size of [1, 1_000, 16_384, 16_385, 65_537, 3_000_000]) {
      const body = Buffer.alloc(size, `${size}.`).toString()
      for (const method of ['POST', 'PUT']) {
        const answer = await ask(port, { method, body, headers: { 'content-length': String(size) } })
        expect(answer.body === body).toBe(true)
        const chunked = await ask(port, { method, body, headers: { 'transfer-encoding': 'chunked' } })
        expect(chunked.body === body).toBe(true)
      }
    }
  })

  it('keeps every byte of a body that is sent in one chunk', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at))
    const node = await serve((_request, response) =>
      response.writeHead(200, { 'content-length': '256' }).end(bytes),
    )
    const { port } = await openProxy({ nodes: [node.address] })
    const text = await askRaw(port, 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
    expect(Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1').equals(bytes)).toBe(true)
  })

  it('distributes requests over its nodes', async () => {
    const nodes = await Promise.all(
      ['a', 'b'].map((name) => serve((_request, response) => response.end(name))),
    )
    const { port, proxy } = await openProxy({
      nodes: nodes.map(({ address }) => address),
      strategy: 'round-robin',
    })
    const bodies: string[] = []
    for (let at = 0; at < 6; at += 1) bodies.push((await ask(port)).body)
    expect(bodies).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
    expect(proxy.balancer.getClusterStats()).toMatchObject({
      totalRequests: 6,
      failedRequests: 0,
      activeConnections: 0,
    })
    expect(proxy.getStats()).toEqual({
      requests: 6,
      retries: 0,
      withoutBudget: 0,
      hedges: 0,
      noNode: 0,
      limited: 0,
      shed: 0,
      failed: 0,
    })
  })

  it('uses a balancer that it receives, follows its nodes, and does not close it', async () => {
    const balancer = new LoadBalancingEngine('ip-hash')
    const { port, proxy } = await openProxy({ balancer })
    expect((await ask(port)).status).toBe(503)
    const node = await serve((_request, response) => response.end('here'))
    const { id } = balancer.registerNode('127.0.0.1', node.port)
    expect((await ask(port)).body).toBe('here')
    await balancer.removeNode(id, { drainMs: 1_000 })
    expect((await ask(port)).status).toBe(503)
    await proxy.close()
    expect(balancer.registerNode('127.0.0.1', node.port).status).toBe('healthy')
  })

  it.each<[object, string]>([
    [{}, 'nodes'],
    [{ nodes: ['a:1'], balancer: new LoadBalancingEngine() }, 'nodes'],
    [{ nodes: ['http://a:1'] }, 'nodes'],
    [{ nodes: ['a'] }, 'nodes'],
    [{ nodes: ['a:1'], hangTimeoutMs: 1 }, 'hangTimeoutMs'],
    [{ nodes: ['a:1'], probe: {} }, 'probe.path'],
    [{ nodes: ['a:1'], probe: { path: 'health' } }, 'probe.path'],
    [{ nodes: ['a:1'], retry: { maxAttempts: 0 } }, 'retry.maxAttempts'],
    [{ nodes: ['a:1'], retry: { budget: 2 } }, 'retry.budget'],
    [{ nodes: ['a:1'], trustedHops: -1 }, 'trustedHops'],
    [{ nodes: ['a:1'], tls: { ca: 5 } }, 'tls.ca'],
    [{ nodes: ['a:1'], strategy: 'best' }, 'strategy'],
    [{ balancer: new LoadBalancingEngine(), strategy: 'p2c' }, 'strategy'],
    [{ nodes: ['a:1'], timeout: 5 }, 'timeout'],
  ])('throws for invalid options: %o', (options, name) => {
    expect(() => createProxy(options)).toThrow(InvalidOptionError)
    expect(() => createProxy(options)).toThrow(`"${name}"`)
  })
})

describe('nodes that fail', () => {
  it('responds with 503 and Retry-After immediately when no node is healthy', async () => {
    const { port, proxy } = await openProxy({ nodes: ['127.0.0.1:1'] })
    proxy.balancer.updateNodeHealth('127.0.0.1:1', 'unhealthy')
    expect(await ask(port)).toMatchObject({ status: 503, headers: { 'retry-after': '1' }, body: '' })
    expect(proxy.getStats()).toMatchObject({ noNode: 1, failed: 1 })
  })

  it('responds with 502 when the only node does not accept connections', async () => {
    const { port } = await openProxy({ nodes: [await unusedAddress()] })
    expect((await ask(port)).status).toBe(502)
  })

  it.each(['GET', 'POST'])(
    'sends a %s to another node when the first does not accept connections',
    async (method) => {
      const node = await serve((request, response) => request.pipe(response))
      const { port, proxy } = await openProxy({
        nodes: [await unusedAddress(), node.address],
        strategy: 'round-robin',
      })
      const headers = method === 'POST' ? { 'transfer-encoding': 'chunked' } : {}
      const answers = await Promise.all(
        Array.from({ length: 4 }, () =>
          ask(port, { method, body: method === 'POST' ? 'hello' : '', headers }),
        ),
      )
      expect(answers.map(({ status, body }) => `${status} ${body}`)).toEqual(
        Array(4).fill(method === 'POST' ? '200 hello' : '200 '),
      )
      expect(proxy.getStats().retries).toBeGreaterThanOrEqual(1)
      expect(proxy.balancer.getClusterStats().activeConnections).toBe(0)
    },
  )

  it('retries only idempotent methods on another node when the first closes the connection', async () => {
    const seen: string[] = []
    const broken = await serveRaw((socket, data) => {
      seen.push(data.split(' ')[0] ?? '')
      socket.destroy()
    })
    const node = await serve((request, response) => request.pipe(response))
    const statuses: Record<string, string> = {}
    for (const method of ['GET', 'PUT', 'DELETE', 'POST', 'PATCH']) {
      const { port } = await openProxy({ nodes: [broken, node.address], strategy: 'round-robin' })
      const body = method === 'GET' || method === 'DELETE' ? '' : 'hello'
      const answer = await ask(port, { method, body, headers: body === '' ? {} : { 'content-length': '5' } })
      statuses[method] = `${answer.status} ${answer.body}`
    }
    expect(seen).toEqual(['GET', 'PUT', 'DELETE', 'POST', 'PATCH'])
    expect(statuses).toEqual({ GET: '200 ', PUT: '200 hello', DELETE: '200 ', POST: '502 ', PATCH: '502 ' })
  })

  it('does not retry a body that exceeds maxBufferedBytes', async () => {
    const broken = await serveRaw((socket) => socket.destroy())
    const node = await serve((request, response) => request.pipe(response))
    const { port } = await openProxy({
      nodes: [broken, node.address],
      strategy: 'round-robin',
      maxBufferedBytes: 4,
    })
    expect(
      (await ask(port, { method: 'PUT', body: 'hello', headers: { 'content-length': '5' } })).status,
    ).toBe(502)
  })

  it('stops after 2 retries, and when the retry budget is spent', async () => {
    const addresses = await Promise.all(
      Array.from({ length: 5 }, () => serveRaw((socket) => socket.destroy())),
    )
    const three = await openProxy({ nodes: addresses, strategy: 'round-robin' })
    expect((await ask(three.port)).status).toBe(502)
    expect(three.proxy.getStats()).toMatchObject({ retries: 2, withoutBudget: 0 })
    const none = await openProxy({ nodes: addresses, strategy: 'round-robin', retry: { burst: 0 } })
    expect((await ask(none.port)).status).toBe(502)
    expect(none.proxy.getStats()).toMatchObject({ retries: 0, withoutBudget: 1 })
    const some = await openProxy({
      nodes: addresses,
      strategy: 'round-robin',
      retry: { burst: 1, budget: 0.5 },
    })
    for (let at = 0; at < 4; at += 1) await ask(some.port)
    expect(some.proxy.getStats().retries).toBe(2)
  })

  it('cuts off the response when the node fails in the middle of it', async () => {
    const broken = await serveRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf')
      setTimeout(() => socket.destroy(), 20)
    })
    const { port } = await openProxy({
      nodes: [broken, broken.replace('127.0.0.1', 'localhost')],
      strategy: 'round-robin',
    })
    await expect(ask(port)).rejects.toThrow()
    expect(statusOf(await askRaw(port, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'))).toBe(200)
  })

  it('responds with 504 when a node sends no headers in time', async () => {
    const silent = await serveRaw(() => {})
    const { port } = await openProxy({ nodes: [silent], headersTimeoutMs: 100 })
    const startedAt = ownNow()
    expect((await ask(port, { method: 'POST' })).status).toBe(504)
    expect(ownNow() - startedAt).toBeLessThan(3_000)
  })

  it('ejects a node after 5 consecutive failures', async () => {
    let asked = 0
    const broken = await serveRaw((socket) => {
      asked += 1
      socket.destroy()
    })
    const node = await serve((_request, response) => response.end('well'))
    const { port, proxy } = await openProxy({ nodes: [broken, node.address], strategy: 'round-robin' })
    for (let at = 0; at < 30; at += 1) expect((await ask(port)).body).toBe('well')
    expect(asked).toBe(5)
    expect(proxy.balancer.getClusterStats()).toMatchObject({ ejectedNodes: 1 })
  })

  it('detects a node that hangs, and sends its requests to other nodes', async () => {
    const silent = await serveRaw(() => {})
    const node = await serve((_request, response) => response.end('well'))
    const { port, proxy } = await openProxy({
      nodes: [silent, node.address],
      strategy: 'round-robin',
      hangTimeoutMs: 100,
      headersTimeoutMs: 60_000,
    })
    const reads = Array.from({ length: 6 }, () => ask(port))
    expect((await Promise.all(reads)).map(({ body }) => body)).toEqual(Array(6).fill('well'))
    expect(proxy.balancer.getNodeStats(silent)).toMatchObject({ ejections: 1, activeConnections: 0 })
  })

  it('moves the requests of a node to another when a probe marks it as down', async () => {
    const silent = await serveRaw(() => {})
    const node = await serve((_request, response) => response.end('well'))
    const probe = { path: '/', intervalMs: 50, timeoutMs: 500 }
    const { port, proxy } = await openProxy({
      nodes: [silent, node.address],
      strategy: 'round-robin',
      probe,
      headersTimeoutMs: 60_000,
    })
    expect((await Promise.all([ask(port), ask(port)])).map(({ body }) => body)).toEqual(['well', 'well'])
    expect(proxy.balancer.getNodeStats(silent).status).toBe('unhealthy')
  })

  it('does not retry a write that a hanging node may have executed', async () => {
    const silent = await serveRaw(() => {})
    const node = await serve((_request, response) => response.end('well'))
    const { port } = await openProxy({
      nodes: [silent, node.address],
      strategy: 'round-robin',
      hangTimeoutMs: 50,
      headersTimeoutMs: 1_000,
    })
    const writes = await Promise.all(Array.from({ length: 4 }, () => ask(port, { method: 'POST' })))
    expect(writes.map(({ status }) => status).sort()).toEqual([200, 200, 504, 504])
  })

  it('reads from a node no faster than the client reads', async () => {
    let written = 0
    const chunk = Buffer.alloc(65_536)
    const node = await serve((_request, response) => {
      const more = () => {
        while (written < 200_000_000) {
          written += chunk.length
          if (!response.write(chunk)) break
        }
      }
      response.on('drain', more)
      more()
    })
    const { port } = await openProxy({ nodes: [node.address] })
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'))
    socket.pause()
    let before = -1
    await expect
      .poll(
        () => {
          const isStill = written === before && written > 0
          before = written
          return isStill
        },
        { ...SOON, interval: 200 },
      )
      .toBe(true)
    // The buffers of the sockets hold this much.
    expect(written).toBeLessThan(30_000_000)
    socket.destroy()
  })

  it('does not count a client disconnect as a failure of the node, and cancels the request', async () => {
    let closed = 0
    const node = await serve((request, response) => {
      response.on('close', () => {
        if (!response.writableFinished) closed += 1
      })
      request.resume()
    })
    const { port, proxy } = await openProxy({ nodes: [node.address] })
    for (let at = 0; at < 6; at += 1) {
      const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'))
      await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(1)
      socket.destroy()
      await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(0)
    }
    await expect.poll(() => closed, SOON).toBe(6)
    expect(proxy.balancer.getClusterStats()).toMatchObject({ failedRequests: 0, ejectedNodes: 0 })
  })

  it('does nothing when the client disconnected before the handler runs', async () => {
    let asked = 0
    const node = await serve((_request, response) => {
      asked += 1
      response.end()
    })
    const { proxy } = await openProxy({ nodes: [node.address] })
    const front = await serve((request, response) => {
      response.on('close', () => proxy.handler(request, response))
    })
    const socket = connect(front.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'))
    await once(front.server, 'request')
    socket.destroy()
    await once(socket, 'close')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(asked).toBe(0)
    expect(proxy.getStats().requests).toBe(0)
  })

  it('does not count an aborted upload as a failure of the node', async () => {
    const node = await serve((request, response) => {
      request.on('error', () => {})
      request.on('end', () => response.end())
      request.resume()
    })
    const { port, proxy } = await openProxy({ nodes: [node.address] })
    for (let at = 0; at < 6; at += 1) {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\nhalf'),
      )
      await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(1)
      socket.destroy()
      await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(0)
    }
    expect(proxy.balancer.getClusterStats()).toMatchObject({ failedRequests: 0, ejectedNodes: 0 })
  })
})

describe('probes', () => {
  it('marks a node as down when a probe fails, and as up when it succeeds again', async () => {
    let isWell = true
    const node = await serve((request, response) => {
      response.statusCode = request.url === '/health' && !isWell ? 500 : 200
      response.end()
    })
    const { port, proxy } = await openProxy({
      nodes: [node.address],
      probe: { path: '/health', intervalMs: 20, timeoutMs: 1_000 },
    })
    const status = () => proxy.balancer.nodes[0]?.status
    isWell = false
    await expect.poll(status, SOON).toBe('unhealthy')
    expect((await ask(port)).status).toBe(503)
    isWell = true
    await expect.poll(status, SOON).toBe('healthy')
    expect((await ask(port)).status).toBe(200)
  })

  it('ends an ejection early after a successful probe, but not maintenance', async () => {
    const nodes = await Promise.all([1, 2].map(() => serve((_request, response) => response.end())))
    const [first = '', second = ''] = nodes.map(({ address }) => address)
    const { proxy } = await openProxy({ nodes: [first, second], probe: { path: '/', intervalMs: 20 } })
    proxy.balancer.updateNodeHealth(second, 'maintenance')
    proxy.balancer.updateNodeHealth(second, 'healthy')
    expect(proxy.balancer.eject(first)).toBe(true)
    await expect.poll(() => proxy.balancer.getNodeStats(first).ejectedForMs, SOON).toBe(0)
    proxy.balancer.updateNodeHealth(second, 'maintenance')
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(proxy.balancer.getNodeStats(second).status).toBe('maintenance')
  })
})

describe('draining', () => {
  it('loses no request while a node is removed', async () => {
    const nodes = await Promise.all(
      [1, 2].map(() => serve((_request, response) => setTimeout(() => response.end('well'), 5))),
    )
    const { port, proxy } = await openProxy({ nodes: nodes.map(({ address }) => address) })
    const statuses: number[] = []
    let isDone = false
    const clients = Array.from({ length: 8 }, async () => {
      while (!isDone) statuses.push((await ask(port)).status)
    })
    await expect.poll(() => statuses.length, SOON).toBeGreaterThan(15)
    expect(await proxy.balancer.removeNode(nodes[0]?.address ?? '', { drainMs: SOON.timeout })).toEqual({
      abandoned: 0,
    })
    const before = statuses.length
    await expect.poll(() => statuses.length, SOON).toBeGreaterThan(before + 10)
    isDone = true
    await Promise.all(clients)
    expect(new Set(statuses)).toEqual(new Set([200]))
  })

  it('finishes requests in flight when it is closed, and responds with 503 to new ones', async () => {
    const node = await serve((_request, response) => setTimeout(() => response.end('well'), 100))
    const { port, proxy } = await openProxy({ nodes: [node.address] })
    const answer = ask(port)
    await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(1)
    const closed = proxy.close()
    expect((await ask(port)).status).toBe(503)
    expect((await answer).body).toBe('well')
    await closed
  })
})

describe('upgrades', () => {
  const HANDSHAKE =
    'GET /chat HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-key: x\r\n\r\n'

  async function echo() {
    const node = await serve((_request, response) => response.writeHead(426).end('no'))
    node.server.on('upgrade', (request, socket) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nx-path: ${request.url}\r\n\r\nhello `,
      )
      socket.pipe(socket)
      socket.on('error', () => {})
    })
    return node
  }

  it('forwards the bytes of both sides after an upgrade, including early ones', async () => {
    const node = await echo()
    const { port, proxy } = await openProxy({ nodes: [node.address] })
    const socket = connect(port, '127.0.0.1', () => socket.write(`${HANDSHAKE}early`))
    let text = ''
    socket.on('data', (data) => {
      text += data
    })
    await expect.poll(() => text, SOON).toContain('early')
    socket.write(' late')
    await expect.poll(() => text, SOON).toContain('late')
    expect(statusOf(text)).toBe(101)
    expect(text).toContain('x-path: /chat')
    expect(text.slice(text.indexOf('\r\n\r\n') + 4)).toBe('hello early late')
    expect(proxy.balancer.getClusterStats().activeConnections).toBe(1)
    socket.end()
    await once(socket, 'close')
    await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(0)
  })

  it('rejects upgrades to protocols other than WebSocket, unless they are allowed', async () => {
    const node = await serveRaw((socket) =>
      socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: any\r\nconnection: upgrade\r\n\r\n'),
    )
    const handshake = (name: string) =>
      `GET / HTTP/1.1\r\nhost: a\r\nupgrade: ${name}\r\nconnection: Upgrade\r\n\r\n`
    const { port } = await openProxy({ nodes: [node] })
    for (const name of ['h2c', 'websocket, h2c', 'h2c, websocket', 'websocket/13', 'x'])
      expect([name, statusOf(await askRaw(port, handshake(name)))]).toEqual([name, 400])
    for (const name of ['websocket', 'WebSocket'])
      expect(statusOf(await askRaw(port, handshake(name)))).toBe(101)
    const allowing = await openProxy({ nodes: [node], upgrades: ['X'] })
    expect(statusOf(await askRaw(allowing.port, handshake('x')))).toBe(101)
    expect(statusOf(await askRaw(allowing.port, handshake('websocket')))).toBe(400)
  })

  it('forwards the response of a node that does not upgrade', async () => {
    const node = await serve((_request, response) =>
      response.writeHead(403, { 'content-length': '2' }).end('no'),
    )
    const { port, proxy } = await openProxy({ nodes: [node.address] })
    const text = await askRaw(port, HANDSHAKE)
    expect(statusOf(text)).toBe(403)
    expect(text.endsWith('no')).toBe(true)
    await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(0)
  })

  it('sends an upgrade to another node when the first does not accept connections, or fails with 503 or 502', async () => {
    const node = await echo()
    const { port, proxy } = await openProxy({
      nodes: [await unusedAddress(), node.address],
      strategy: 'round-robin',
    })
    expect(statusOf(await askRaw(port, HANDSHAKE))).toBe(101)
    for (const { id } of proxy.balancer.nodes) proxy.balancer.updateNodeHealth(id, 'unhealthy')
    expect(await askRaw(port, HANDSHAKE)).toMatch(/^HTTP\/1\.1 503 [\s\S]*retry-after: 1/)
    const dead = await openProxy({ nodes: [await unusedAddress()] })
    expect(statusOf(await askRaw(dead.port, HANDSHAKE))).toBe(502)
  })

  it('closes upgraded connections after the grace period when it is closed', async () => {
    const node = await echo()
    const { port, proxy } = await openProxy({ nodes: [node.address] })
    const sockets = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
    for (const socket of sockets) {
      socket.write(HANDSHAKE)
      await once(socket, 'data')
    }
    const ended = sockets.map((socket) => once(socket, 'close'))
    sockets[0]?.end()
    await ended[0]
    let isClosed = false
    const closed = proxy.close({ graceMs: 300 }).then(() => {
      isClosed = true
    })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(isClosed).toBe(false)
    await Promise.all([closed, ended[1]])
  })

  it('rejects upgrades after it is closed', async () => {
    const node = await echo()
    const { port, proxy } = await openProxy({ nodes: [node.address] })
    await proxy.close()
    expect(statusOf(await askRaw(port, HANDSHAKE))).toBe(503)
  })

  it('rejects upgrades with a body or a method other than GET', async () => {
    const node = await echo()
    const { port } = await openProxy({ nodes: [node.address] })
    expect(statusOf(await askRaw(port, HANDSHAKE.replace('GET', 'POST')))).toBe(400)
    expect(statusOf(await askRaw(port, HANDSHAKE.replace('host: a', 'host: a\r\ncontent-length: 5')))).toBe(
      400,
    )
  })
})
