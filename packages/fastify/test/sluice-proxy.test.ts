import { once } from 'node:events'
import { createServer, METHODS } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { type Duplex, Transform } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { createSluice, LoadBalancingEngine, type ScopeReport } from '@sluice/core'
import { sluicePlugin } from '@sluice/fastify'
import { sluiceProxy } from '@sluice/fastify/proxy'
import { createProxy } from '@sluice/http/proxy'
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { authority, nodeCertificate, nodeKey } from '../../../test/support/certificates.ts'
import { SOON } from '../../../test/support/patience.ts'
import { ask, askRaw, serve, serveRaw, statusOf, unusedAddress } from '../../http/test/world.ts'

type ProxyPluginOptions = Parameters<typeof sluiceProxy>[1] & { readonly prefix?: string }

/** A Fastify app, with additions of the test. */
function createApp(options: FastifyServerOptions = {}): FastifyInstance {
  const app = fastify({ forceCloseConnections: true, ...options })
  onTestFinished(() => app.close())
  return app
}

async function listen(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  return (app.server.address() as AddressInfo).port
}

/** A node that responds with the request that it received. */
const echo = () =>
  serve(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    response.setHeader('x-url', request.url ?? '')
    response.setHeader('x-type', request.headers['content-type'] ?? 'none')
    response.end(`${request.method} ${request.url} ${body}`)
  })

async function openApp(options: Partial<ProxyPluginOptions> = {}, server: FastifyServerOptions = {}) {
  const app = createApp(server)
  const node = await echo()
  app.register(sluiceProxy, {
    prefix: '/api',
    nodes: [node.address],
    hangTimeoutMs: false,
    ...options,
  } as ProxyPluginOptions)
  return { app, node }
}

const handshake = (path: string, more = '') =>
  `GET ${path} HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${more}\r\n`

/** A node that echoes the bytes after a handshake. */
async function tunnelNode(name = 'node') {
  const node = await serve((request, response) => response.end(`plain ${request.url}`))
  node.server.on('upgrade', (request, socket) => {
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nx-path: ${name} ${request.url}\r\n\r\n`,
    )
    socket.pipe(socket)
    socket.on('error', () => {})
  })
  return node
}

const urlOf = async (port: number, path: string) => (await ask(port, { path })).headers['x-url']

describe('sluiceProxy', () => {
  it('removes its prefix and leaves the rest of the URL unchanged', async () => {
    const { app } = await openApp()
    const port = await listen(app)
    for (const [path, expected] of [
      ['/api/things/1?a=1&b=%20x', '/things/1?a=1&b=%20x'],
      ['/api', '/'],
      ['/api/', '/'],
      ['/api?a', '/?a'],
      ['/api/?a', '/?a'],
      ['/api//x', '//x'],
      ['/api/a%2Fb/%7Ec/%C3%A9/%25/..%2F', '/a%2Fb/%7Ec/%C3%A9/%25/..%2F'],
      ['/api/x/../y', '/x/../y'],
      ['/%61pi/x', '/x'],
      ['/api/api/x?url=/api/x', '/api/x?url=/api/x'],
      [`/api/${'x'.repeat(5_000)}`, `/${'x'.repeat(5_000)}`],
      [`http://127.0.0.1:${port}/api/x?a=http://b/c`, '/x?a=http://b/c'],
    ] as const) {
      expect(await urlOf(port, path)).toBe(expected)
    }
  })

  it('finds its prefix under any router options and in nested plugins', async () => {
    const routerOptions = {
      caseSensitive: false,
      ignoreDuplicateSlashes: true,
      ignoreTrailingSlash: true,
      useSemicolonDelimiter: true,
    }
    const { app } = await openApp({ prefix: '/v1/api' }, { routerOptions })
    const port = await listen(app)
    expect(await urlOf(port, '/V1/Api/X')).toBe('/X')
    expect(await urlOf(port, '//v1///api//x//y')).toBe('//x//y')
    expect(await urlOf(port, '/v1/api;a=1/x')).toBe('/;a=1/x')
    const nested = createApp()
    const node = await echo()
    nested.register(
      async (tenants) => {
        tenants.register(sluiceProxy, { prefix: '/api/', nodes: [node.address] })
      },
      { prefix: '/:tenant' },
    )
    const other = await listen(nested)
    expect(await urlOf(other, '/some%20one/api/x/api/y')).toBe('/x/api/y')
  })

  it('handles paths without a route when its prefix is empty', async () => {
    const { app } = await openApp({ prefix: '' })
    app.get('/own', async () => 'own')
    const port = await listen(app)
    expect((await ask(port, { path: '/own' })).body).toBe('own')
    expect(await urlOf(port, '/')).toBe('/')
    expect(await urlOf(port, '/a/b?c')).toBe('/a/b?c')
  })

  it('leaves paths outside of its prefix to the app', async () => {
    const { app } = await openApp()
    app.get('/own', async () => 'own')
    app.post('/own', async ({ body }) => body)
    const port = await listen(app)
    expect((await ask(port, { path: '/own' })).body).toBe('own')
    const headers = { 'content-type': 'application/json' }
    expect((await ask(port, { path: '/own', method: 'POST', headers, body: '{"a":1}' })).body).toBe('{"a":1}')
    for (const path of ['/apis', '/', '/ap', '/xapi/y']) {
      expect(await ask(port, { path })).toMatchObject({
        status: 404,
        body: expect.stringContaining(`Route GET:${path} not found`),
      })
    }
    expect((await ask(port, { path: '/own', method: 'PROPFIND' })).status).toBe(404)
  })

  it('forwards every method that Node supports', async () => {
    const { app } = await openApp()
    const port = await listen(app)
    for (const method of METHODS) {
      if (method === 'CONNECT' || method === 'TRACE') continue
      const { status, body } = await ask(port, { method, path: '/api/x', body: '' })
      expect([method, status, body]).toEqual([method, 200, method === 'HEAD' ? '' : `${method} /x `])
    }
    expect((await ask(port, { method: 'TRACE', path: '/api/x' })).status).toBe(405)
  })

  it('does not parse bodies of any content type', async () => {
    const { app } = await openApp({}, { bodyLimit: 10 })
    const port = await listen(app)
    const body = '{"this is": no JSON'
    for (const type of [
      'application/json',
      'text/plain; charset=x',
      'a',
      'a/b/c',
      '',
      undefined,
      'multipart/form-data',
    ]) {
      for (const method of ['POST', 'QUERY', 'PROPFIND', 'DELETE']) {
        const headers = {
          'content-length': String(body.length),
          ...(type === undefined ? {} : { 'content-type': type }),
        }
        const answer = await ask(port, { method, path: '/api/x', headers, body })
        expect([type, answer.body, answer.headers['x-type']]).toEqual([
          type,
          `${method} /x ${body}`,
          type ?? 'none',
        ])
      }
    }
  })

  it('streams 10 MB both ways', async () => {
    const app = createApp()
    const node = await serve((request, response) => request.pipe(response))
    app.register(sluiceProxy, { prefix: '/api', nodes: [node.address] })
    const port = await listen(app)
    const body = Buffer.alloc(10_000_000, 'so long').toString()
    for (const headers of [{ 'content-length': String(body.length) }, { 'transfer-encoding': 'chunked' }]) {
      for (const method of ['POST', 'PUT']) {
        const answer = await ask(port, {
          method,
          path: '/api/',
          body,
          headers: { 'content-type': 'application/json', ...headers },
        })
        expect(answer.body === body).toBe(true)
      }
    }
  })

  it('responds with 503 when no node is healthy, and 502 when no node accepts connections', async () => {
    const balancer = new LoadBalancingEngine()
    const app = createApp()
    app.register(sluiceProxy, { prefix: '/none', balancer })
    app.register(sluiceProxy, { prefix: '/dead', nodes: [await unusedAddress()] })
    const port = await listen(app)
    expect(await ask(port, { path: '/none/' })).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      body: '',
    })
    expect((await ask(port, { path: '/dead/', method: 'POST', body: 'x' })).status).toBe(502)
  })

  it('cancels the request to the node when the client disconnects', async () => {
    let closed = 0
    const node = await serve((request, response) => {
      request.resume()
      response.on('close', () => {
        closed += 1
      })
    })
    const app = createApp()
    const proxy = createProxy({ nodes: [node.address] })
    onTestFinished(() => proxy.close({ graceMs: 0 }))
    app.register(sluiceProxy, { prefix: '/api', proxy })
    const port = await listen(app)
    for (const body of ['', 'content-length: 100\r\n\r\nhalf']) {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(`POST /api/ HTTP/1.1\r\nhost: a\r\n${body || '\r\n'}`),
      )
      await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(1)
      socket.destroy()
      await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(0)
    }
    await expect.poll(() => closed, SOON).toBe(2)
    expect(proxy.balancer.getClusterStats()).toMatchObject({ failedRequests: 0, ejectedNodes: 0 })
  })

  it('does not apply handlerTimeout to the response of a node', async () => {
    const app = createApp({ handlerTimeout: 50 })
    const node = await serve((_request, response) => setTimeout(() => response.end('well'), 200))
    app.register(sluiceProxy, { prefix: '/api', nodes: [node.address] })
    expect(await ask(await listen(app), { path: '/api/' })).toMatchObject({ status: 200, body: 'well' })
  })

  it('sends no request to a node when the client disconnects while a hook runs', async () => {
    const { app, node } = await openApp()
    const asked: (string | undefined)[] = []
    node.server.on('request', ({ url }) => asked.push(url))
    let goOn = () => {}
    app.addHook('onRequest', ({ url }, _reply, done) => {
      if (url === '/api/wait') goOn = done
      else done()
    })
    const port = await listen(app)
    const socket = connect(port, '127.0.0.1', () => socket.write('GET /api/wait HTTP/1.1\r\nhost: a\r\n\r\n'))
    const [accepted] = await once(app.server, 'connection')
    await once(app.server, 'request')
    socket.destroy()
    await once(accepted, 'close')
    goOn()
    await ask(port, { path: '/api/next' })
    expect(asked).toEqual(['/next'])
  })

  it('works with other proxies in one app, each with its own nodes', async () => {
    const app = createApp()
    const nodes = await Promise.all(
      ['a', 'b'].map((name) => serve((request, response) => response.end(`${name} ${request.url}`))),
    )
    for (const [at, { address }] of nodes.entries())
      app.register(sluiceProxy, { prefix: `/${at}`, nodes: [address] })
    const port = await listen(app)
    expect((await ask(port, { path: '/0/x' })).body).toBe('a /x')
    expect((await ask(port, { path: '/1/x', method: 'PURGE' })).body).toBe('b /x')
  })
})

describe('hooks of sluiceProxy', () => {
  it.each(['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const)(
    'runs %s hooks before the proxy, wherever they are added, and lets them reply',
    async (name) => {
      for (const place of ['before', 'after'] as const) {
        const { app, node } = await openApp()
        let asked = 0
        node.server.on('request', () => {
          asked += 1
        })
        const guard = () =>
          app.addHook(name as 'onRequest', async (request, reply) => {
            await new Promise(setImmediate)
            if (request.headers.authorization !== 'me') return reply.code(401).send('who?')
          })
        if (place === 'after') await app.after()
        guard()
        const port = await listen(app)
        const post = { method: 'POST', path: '/api/x', body: '{"a":1}' }
        const headers = { 'content-type': 'application/json' }
        expect([place, await ask(port, { ...post, headers })]).toMatchObject([
          place,
          { status: 401, body: 'who?' },
        ])
        expect(asked).toBe(0)
        const allowed = await ask(port, { ...post, headers: { ...headers, authorization: 'me' } })
        expect(allowed).toMatchObject({ status: 200, body: 'POST /x {"a":1}' })
      }
    },
  )

  it('runs route hooks that a plugin adds before the proxy', async () => {
    const app = createApp()
    app.addHook('onRoute', (route) => {
      route.preHandler = [
        route.preHandler ?? [],
        async (_request: unknown, reply: never) =>
          (reply as never as { code(n: number): { send(s: string): unknown } }).code(429).send('slow'),
      ].flat() as never
    })
    const { address } = await echo()
    app.register(sluiceProxy, { prefix: '/api', nodes: [address] })
    const port = await listen(app)
    for (const path of ['/api', '/api/', '/api/x']) expect((await ask(port, { path })).status).toBe(429)
  })

  it('sends headers that hooks set, and shows hooks the original URL', async () => {
    const { app } = await openApp()
    const seen: unknown[] = []
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('access-control-allow-origin', '*')
      reply.header('x-url', 'of the app')
      reply.header('set-cookie', ['a=1', 'b=2'])
    })
    app.addHook('onResponse', async ({ url, originalUrl, routeOptions }, reply) => {
      seen.push([url, originalUrl, routeOptions.url, reply.statusCode])
    })
    const port = await listen(app)
    const { headers } = await ask(port, { path: '/api/x?a=1' })
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'set-cookie': ['a=1', 'b=2'],
      'x-url': '/x?a=1',
    })
    await expect.poll(() => seen, SOON).toEqual([['/api/x?a=1', '/api/x?a=1', '/api/*', 200]])
  })

  it('reports a preParsing hook that replaces the body, and sends the node no partial body', async () => {
    const { app, node } = await openApp()
    let asked = 0
    node.server.on('request', () => {
      asked += 1
    })
    app.addHook('preParsing', async (_request, _reply, payload) =>
      payload.pipe(new Transform({ transform: (chunk, _, done) => done(null, chunk) })),
    )
    const messages: string[] = []
    app.addHook('onError', async (_request, _reply, error) => void messages.push(error.message))
    const port = await listen(app)
    expect((await ask(port, { method: 'POST', path: '/api/x', body: 'hello' })).status).toBe(500)
    expect(messages).toEqual([expect.stringContaining('no preParsing hook')])
    expect(asked).toBe(0)
  })

  it('runs in a scope that ends with the response or the tunnel', async () => {
    const sluice = createSluice()
    const reports: ScopeReport[] = []
    sluice.on('scope', (report) => reports.push(report))
    const app = createApp()
    app.register(sluicePlugin, { sluice, report: false, serverTiming: true })
    const { address } = await echo()
    app.register(sluiceProxy, { prefix: '/api', nodes: [address] })
    const port = await listen(app)
    expect((await ask(port, { path: '/api/x' })).headers['server-timing']).toContain('0 queries')
    await expect.poll(() => reports.map(({ name }) => name), SOON).toEqual(['GET /api/*'])
    const tunnel = await tunnelNode()
    const other = createApp()
    other.register(sluicePlugin, { sluice, report: false })
    other.register(sluiceProxy, { prefix: '/ws', nodes: [tunnel.address] })
    const otherPort = await listen(other)
    const socket = connect(otherPort, '127.0.0.1', () => socket.write(handshake('/ws/x')))
    await once(socket, 'data')
    expect(reports).toHaveLength(1)
    socket.destroy()
    await expect.poll(() => reports.map(({ name }) => name), SOON).toEqual(['GET /api/*', 'GET /ws/*'])
  })
})

describe('rewritePrefix', () => {
  it('replaces the prefix, and rejects paths that would leave the new prefix', async () => {
    const { app } = await openApp({ rewritePrefix: '/v1/x/' })
    const port = await listen(app)
    expect(await urlOf(port, '/api/things?a=/../b')).toBe('/v1/x/things?a=/../b')
    expect(await urlOf(port, '/api')).toBe('/v1/x')
    expect(await urlOf(port, '/api?a')).toBe('/v1/x?a')
    expect(await urlOf(port, '/api/a..b/...')).toBe('/v1/x/a..b/...')
    for (const path of [
      '/..',
      '/../y',
      '/a/%2e%2E/y',
      '/a/.%2e',
      '/a%2f../y',
      '/a/..%5cy',
      '/a\\..\\y',
      '/..;a/y',
      '/a/..?b',
    ]) {
      expect([path, (await ask(port, { path: `/api${path}` })).status]).toEqual([path, 400])
    }
  })

  it('keeps the prefix when rewritePrefix equals it', async () => {
    const { app } = await openApp({ rewritePrefix: '/api' })
    expect(await urlOf(await listen(app), '/api/x?a')).toBe('/api/x?a')
  })
})

describe('inject', () => {
  it('sends injected requests to the nodes, and responds even when a node fails', async () => {
    const { app } = await openApp()
    app.register(sluiceProxy, { prefix: '/dead', nodes: [await unusedAddress()] })
    app.register(sluiceProxy, { prefix: '/broken', nodes: [await serveRaw((socket) => socket.destroy())] })
    app.register(sluiceProxy, { prefix: '/none', balancer: new LoadBalancingEngine() })
    expect((await app.inject('/api/x?a')).body).toBe('GET /x?a ')
    const posted = await app.inject({ method: 'POST', url: '/api/x', payload: { a: 1 } })
    expect(posted).toMatchObject({
      statusCode: 200,
      body: 'POST /x {"a":1}',
      headers: { 'x-type': 'application/json' },
    })
    const large = Buffer.alloc(1_000_000, 'x').toString()
    expect((await app.inject({ method: 'PUT', url: '/api/x', payload: large })).body).toBe(`PUT /x ${large}`)
    for (const [path, status] of [
      ['/dead', 502],
      ['/broken', 502],
      ['/none', 503],
    ] as const) {
      expect([path, (await app.inject(path)).statusCode]).toEqual([path, status])
      expect([path, (await app.inject({ method: 'POST', url: path, payload: 'x' })).statusCode]).toEqual([
        path,
        status,
      ])
    }
  })
})

describe('upgrades', () => {
  it('tunnels below the prefix with early bytes, and closes when either side ends', async () => {
    const { address, server } = await tunnelNode()
    const ends: Duplex[] = []
    server.on('upgrade', (_request, socket) => ends.push(socket))
    const app = createApp()
    const proxy = createProxy({ nodes: [address] })
    onTestFinished(() => proxy.close({ graceMs: 0 }))
    app.register(sluiceProxy, { prefix: '/api', proxy })
    const port = await listen(app)
    const socket = connect(port, '127.0.0.1', () => socket.write(`${handshake('/api/chat?a=1')}early`))
    let text = ''
    socket.on('data', (data) => {
      text += data
    })
    await expect.poll(() => text, SOON).toContain('early')
    socket.write(' late')
    await expect.poll(() => text, SOON).toContain('late')
    expect(statusOf(text)).toBe(101)
    expect(text).toContain('x-path: node /chat?a=1')
    expect(proxy.balancer.getClusterStats().activeConnections).toBe(1)
    socket.end()
    await once(socket, 'close')
    await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(0)
    const another = connect(port, '127.0.0.1', () => another.write(handshake('/api/chat')))
    await once(another, 'data')
    for (const end of ends) end.destroy()
    await once(another, 'close')
  })

  it.each(['onRequest', 'preHandler'] as const)(
    'runs %s hooks for upgrades, including protocols other than WebSocket',
    async (name) => {
      const { address } = await tunnelNode()
      const app = createApp()
      app.addHook(name as 'onRequest', async (request, reply) => {
        await new Promise(setImmediate)
        if (request.headers.authorization !== 'me') return reply.code(401).send('who?')
      })
      app.register(sluiceProxy, { prefix: '/api', nodes: [address] })
      const port = await listen(app)
      const refused = await askRaw(port, handshake('/api/chat'))
      expect(refused).toMatch(/^HTTP\/1\.1 401 [\s\S]*connection: close[\s\S]*who\?$/i)
      expect(statusOf(await askRaw(port, handshake('/api/chat').replace('websocket', 'anything')))).toBe(401)
      expect(statusOf(await askRaw(port, handshake('/api/chat', 'authorization: me\r\n')))).toBe(101)
    },
  )

  it('routes upgrades to the proxy with their prefix, and others to the app as plain requests', async () => {
    const app = createApp()
    for (const name of ['a', 'b'])
      app.register(sluiceProxy, { prefix: `/${name}`, nodes: [(await tunnelNode(name)).address] })
    app.post('/own', async ({ body }) => body)
    app.get('/own', async ({ headers }) => `own ${headers.upgrade}`)
    const port = await listen(app)
    expect(await askRaw(port, handshake('/a/x'))).toContain('x-path: a /x')
    expect(await askRaw(port, handshake('/%62/x'))).toContain('x-path: b /x')
    expect(statusOf(await askRaw(port, handshake('/c/x')))).toBe(404)
    expect(await askRaw(port, handshake('/own'))).toMatch(/^HTTP\/1\.1 200 [\s\S]*own undefined$/)
    // HTTP/2 clients send such upgrades, also with bodies.
    const body = JSON.stringify({ text: 'x'.repeat(100_000) })
    const post = (path: string) =>
      `POST ${path} HTTP/1.1\r\nhost: a\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AA\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
    expect((await askRaw(port, post('/own') + body)).endsWith(body)).toBe(true)
    expect((await askRaw(port, post('/a/x') + body)).endsWith('plain /x')).toBe(true)
  })

  it('ignores upgrades when websocket is false', async () => {
    const { address } = await tunnelNode()
    const app = createApp()
    app.register(sluiceProxy, { prefix: '/api', nodes: [address], websocket: false })
    const port = await listen(app)
    expect(app.server.listenerCount('upgrade')).toBe(0)
    expect((await askRaw(port, handshake('/api/x'))).endsWith('plain /x')).toBe(true)
  })

  it.each(['before', 'after', 'in a plugin before', 'in a plugin after'] as const)(
    'works with @fastify/websocket registered %s the proxy',
    async (place) => {
      const { default: websocket } = await import('@fastify/websocket')
      const { address } = await tunnelNode()
      const app = createApp()
      const hooked: string[] = []
      app.addHook('onRequest', async ({ url }) => void hooked.push(url))
      const own = async (instance: FastifyInstance) => {
        await instance.register(websocket)
        instance.get('/own', { websocket: true }, (socket) => socket.send('own'))
      }
      const addOwn = () => (place.startsWith('in') ? app.register(async (child) => own(child)) : own(app))
      const addProxy = () => app.register(sluiceProxy, { prefix: '/api', nodes: [address] })
      if (place.endsWith('before')) {
        await addOwn()
        addProxy()
      } else {
        addProxy()
        await addOwn()
      }
      const port = await listen(app)
      expect(await askRaw(port, handshake('/own'))).toMatch(/^HTTP\/1\.1 101 [\s\S]*own$/)
      for (const url of ['/api/at-once', '/api/later']) {
        const socket = connect(port, '127.0.0.1', () => socket.write(`${handshake(url)}hello`))
        let text = ''
        socket.on('data', (data) => {
          text += data
        })
        const path = url.replace('/api', '')
        await expect
          .poll(() => text, SOON)
          .toMatch(new RegExp(`^HTTP/1\\.1 101 [\\s\\S]*x-path: node ${path}\\r\\n\\r\\nhello$`))
        socket.destroy()
      }
      expect(hooked).toEqual(['/own', '/api/at-once', '/api/later'])
      // When registered in a plugin, @fastify/websocket leaves rejected connections open.
      if (!place.startsWith('in')) expect(statusOf(await askRaw(port, handshake('/nowhere')))).toBe(404)
    },
  )

  it('returns an upgrade to the app after 30 s when no listener handles it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const app = createApp()
    app.register(sluiceProxy, { prefix: '/api', nodes: ['127.0.0.1:1'] })
    const seen = new Promise<void>((resolve) => app.server.on('upgrade', () => setImmediate(resolve)))
    const port = await listen(app)
    const socket = connect(port, '127.0.0.1', () => socket.write(handshake('/nowhere')))
    await seen
    vi.advanceTimersByTime(29_000)
    const answer = once(socket, 'data')
    vi.advanceTimersByTime(1_000)
    expect(statusOf(String((await answer)[0]))).toBe(404)
    socket.destroy()
  })

  it('leaves upgrades outside of its prefix to other listeners', async () => {
    const { address } = await tunnelNode()
    const app = createApp()
    app.register(sluiceProxy, { prefix: '/api', nodes: [address] })
    app.server.on('upgrade', async (request, socket) => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      if (request.url === '/chat') socket.end('HTTP/1.1 101 Switching Protocols\r\nx-path: other\r\n\r\n')
    })
    const port = await listen(app)
    expect(await askRaw(port, handshake('/chat'))).toContain('x-path: other')
    expect(await askRaw(port, handshake('/api/chat'))).toContain('x-path: node /chat')
  })
})

describe('upgrades over TLS', () => {
  it('tunnels below the prefix over TLS, and returns other requests to the server', async () => {
    const { address } = await tunnelNode()
    const app = fastify({ https: { cert: nodeCertificate, key: nodeKey } })
    onTestFinished(() => app.close())
    app.register(sluiceProxy, { prefix: '/api', nodes: [address] })
    app.post('/own', async ({ body }) => body)
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const text = async (bytes: string, isEnd: RegExp) => {
      const socket = connectTls({ port, host: '127.0.0.1', ca: authority }, () => socket.write(bytes))
      onTestFinished(() => void socket.destroy())
      let received = ''
      socket.on('data', (data) => {
        received += data
      })
      await expect.poll(() => received, SOON).toMatch(isEnd)
    }
    await text(`${handshake('/api/x')}hello`, /^HTTP\/1\.1 101 [\s\S]*x-path: node \/x\r\n\r\nhello$/)
    const body = '{"a":1}'
    const headers = `content-type: application/json\r\ncontent-length: ${body.length}\r\n`
    await text(handshake('/own', headers).replace('GET', 'POST') + body, /^HTTP\/1\.1 200 [\s\S]*\{"a":1\}$/)
  })
})

describe('a proxy in front of an app', () => {
  it('handles its own paths and passes other requests to the app', async () => {
    const { address } = await echo()
    const proxy = createProxy({ nodes: [address] })
    const app = createApp({
      serverFactory: (handler) =>
        createServer((request, response) => {
          if (request.url?.startsWith('/api/')) proxy.handler(request, response)
          else handler(request, response)
        }),
    })
    app.addHook('onClose', () => proxy.close())
    app.post('/own', async ({ body }) => body)
    const port = await listen(app)
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' }
    expect((await ask(port, { ...post, path: '/api/x?a' })).body).toBe('POST /api/x?a {"a":1}')
    expect((await ask(port, { ...post, path: '/own' })).body).toBe('{"a":1}')
    expect((await ask(port, { path: '/apis' })).status).toBe(404)
    await app.close()
    expect(await ask(port, { path: '/api/x' }).catch(() => 'closed')).toBe('closed')
  })
})

describe('closing sluiceProxy', () => {
  it('does not wait for upgraded connections, and leaves no listener or socket open', async () => {
    const node = await serve((_request, response) => response.end())
    node.server.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n')
      socket.pipe(socket)
      socket.on('error', () => {})
    })
    const app = fastify()
    app.register(sluiceProxy, { prefix: '/api', nodes: [node.address] })
    const port = await listen(app)
    const socket = connect(port, '127.0.0.1', () =>
      socket.write('GET /api/ HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'),
    )
    socket.on('error', () => {})
    await once(socket, 'data')
    const closed = once(socket, 'close')
    await ask(port, { path: '/api/' })
    await app.close()
    await closed
    expect(app.server.listenerCount('upgrade')).toBe(0)
    await expect
      .poll(() => new Promise((resolve) => node.server.getConnections((_, count) => resolve(count))), SOON)
      .toBe(0)
  })

  it('finishes requests on close, but does not close a proxy or balancer that it received', async () => {
    const node = await serve((_request, response) => setTimeout(() => response.end('well'), 100))
    const balancer = new LoadBalancingEngine()
    balancer.registerNode('127.0.0.1', node.port)
    const proxy = createProxy({ nodes: [node.address] })
    onTestFinished(() => proxy.close({ graceMs: 0 }))
    const app = fastify()
    app.register(sluiceProxy, { prefix: '/a', balancer })
    app.register(sluiceProxy, { prefix: '/b', proxy })
    const port = await listen(app)
    const answers = ['/a/', '/b/'].map((path) => ask(port, { path }))
    await expect
      .poll(
        () =>
          balancer.getClusterStats().activeConnections + proxy.balancer.getClusterStats().activeConnections,
        SOON,
      )
      .toBe(2)
    await app.close()
    expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(['well', 'well'])
    expect(balancer.acquire('1.1.1.1')).not.toBeNull()
    const again = createApp()
    again.register(sluiceProxy, { proxy })
    expect((await ask(await listen(again))).body).toBe('well')
  })
})

describe('options of sluiceProxy', () => {
  it.each([
    ['nodes', {}],
    ['nodes', { nodes: ['http://a:1'] }],
    ['timeout', { nodes: ['a:1'], timeout: 5 }],
    ['proxy', { proxy: {} }],
    ['nodes', { proxy: createProxy({ balancer: new LoadBalancingEngine() }), nodes: ['a:1'] }],
    ['rewritePrefix', { nodes: ['a:1'], rewritePrefix: 'v1' }],
    ['rewritePrefix', { nodes: ['a:1'], rewritePrefix: '/v1?a' }],
    ['websocket', { nodes: ['a:1'], websocket: 'yes' }],
  ])('throws for an invalid option %s', async (option, options) => {
    const app = createApp()
    app.register(sluiceProxy, options as never)
    await expect(async () => await app.ready()).rejects.toMatchObject({
      code: 'SLUICE_INVALID_OPTION',
      option,
    })
  })

  it('throws for an app that uses HTTP/2', async () => {
    const app = fastify({ http2: true })
    onTestFinished(() => app.close())
    app.register(sluiceProxy as never, { nodes: ['a:1'] } as never)
    await expect(async () => await app.ready()).rejects.toMatchObject({
      code: 'SLUICE_INVALID_OPTION',
      option: 'http2',
    })
  })
})
