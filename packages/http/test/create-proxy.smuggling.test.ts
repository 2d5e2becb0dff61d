import { describe, expect, it } from 'vitest'
import { ask, askRaw, openProxy, serve, serveRaw, statusOf } from './world.ts'

/** A proxy in front of a node that records the requests that it receives. */
async function echo(options = {}) {
  const seen: string[] = []
  const node = await serveRaw((socket, data) => {
    seen.push(data)
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
  })
  const { port } = await openProxy({ nodes: [node], ...options })
  return { port, seen }
}

const HEAD = 'POST / HTTP/1.1\r\nhost: a\r\n'
const CHUNKED = 'transfer-encoding: chunked\r\n'

describe('requests that two parsers could read differently', () => {
  it.each<[string, string, number]>([
    ['Content-Length and Transfer-Encoding', `${HEAD}content-length: 5\r\n${CHUNKED}\r\n0\r\n\r\n`, 400],
    ['Transfer-Encoding and Content-Length', `${HEAD}${CHUNKED}content-length: 5\r\n\r\n0\r\n\r\n`, 400],
    ['two different Content-Lengths', `${HEAD}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!`, 400],
    ['a Content-Length with a list', `${HEAD}content-length: 5, 5\r\n\r\nhello`, 400],
    ['a Content-Length with a sign', `${HEAD}content-length: +5\r\n\r\nhello`, 400],
    ['a Content-Length in hexadecimal', `${HEAD}content-length: 0x5\r\n\r\nhello`, 400],
    ['a negative Content-Length', `${HEAD}content-length: -5\r\n\r\nhello`, 400],
    ['an unknown Transfer-Encoding', `${HEAD}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n`, 400],
    ['a Transfer-Encoding beside chunked', `${HEAD}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 400],
    ['two Transfer-Encodings', `${HEAD}${CHUNKED}${CHUNKED}\r\n0\r\n\r\n`, 400],
    ['chunked in HTTP/1.0', `POST / HTTP/1.0\r\nhost: a\r\n${CHUNKED}\r\n0\r\n\r\n`, 400],
    ['a space before the colon', `${HEAD}content-length : 5\r\n\r\nhello`, 400],
    ['a folded header', `${HEAD}x-a: 1\r\n transfer-encoding: chunked\r\n\r\n`, 400],
    ['a header that ends with LF alone', `POST / HTTP/1.1\r\nhost: a\ncontent-length: 5\r\n\r\nhello`, 400],
    ['a CR in a header', `${HEAD}x-a: 1\rcontent-length: 5\r\n\r\nhello`, 400],
    ['NUL in a header', `${HEAD}x-a: 1\0\r\n\r\n`, 400],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['two Hosts', 'GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n', 400],
    ['a chunk that is longer than it says', `${HEAD}${CHUNKED}\r\n3\r\nhello\r\n0\r\n\r\n`, 400],
    ['a chunk size that overflows', `${HEAD}${CHUNKED}\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n`, 400],
    ['headers of more than 16 KB', `GET / HTTP/1.1\r\nhost: a\r\nx-a: ${'a'.repeat(17_000)}\r\n\r\n`, 431],
    ['a URL of another host', 'GET http://b/ HTTP/1.1\r\nhost: a\r\n\r\n', 400],
    ['a URL with credentials', 'GET http://a@b/ HTTP/1.1\r\nhost: b\r\n\r\n', 400],
    ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n', 400],
    ['TRACE', 'TRACE / HTTP/1.1\r\nhost: a\r\n\r\n', 405],
    ['a path without a slash', 'GET evil HTTP/1.1\r\nhost: a\r\n\r\n', 400],
  ])('rejects a request with %s', async (_, bytes, status) => {
    const { port, seen } = await echo()
    const text = await askRaw(port, bytes)
    expect(statusOf(text)).toBe(status)
    // No part is treated as a second request, and the connection is closed.
    expect(text.match(/HTTP\/1\.1 \d{3}/g)).toHaveLength(1)
    expect(seen.filter((request) => !/transfer-encoding: chunked/i.test(request))).toEqual([])
  })

  it('closes the connection after it rejects an ambiguous request', async () => {
    const { port, seen } = await echo()
    const text = await askRaw(
      port,
      'GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\nGET /second HTTP/1.1\r\nhost: a\r\n\r\n',
    )
    expect(statusOf(text)).toBe(400)
    expect(seen.some((request) => request.includes('/second'))).toBe(false)
  })

  it('rejects two equal lengths, which Node accepts', async () => {
    const { port } = await echo()
    expect(statusOf(await askRaw(port, `${HEAD}content-length: 5\r\ncontent-length: 5\r\n\r\nhello`))).toBe(
      400,
    )
  })

  it('sends only the path to nodes when the client sent an absolute URL', async () => {
    const { port, seen } = await echo()
    await askRaw(port, 'GET http://A/x?y HTTP/1.1\r\nhost: a\r\n\r\n')
    await askRaw(port, 'GET http://a?y HTTP/1.1\r\nhost: a\r\n\r\n')
    expect(seen.map((request) => request.split('\r\n')[0])).toEqual(['GET /x?y HTTP/1.1', 'GET /?y HTTP/1.1'])
  })

  it('does not open CONNECT tunnels', async () => {
    const { port, seen } = await echo()
    expect([0, 400, 405]).toContain(
      statusOf(await askRaw(port, 'CONNECT b:443 HTTP/1.1\r\nhost: b:443\r\n\r\n')),
    )
    expect(seen).toEqual([])
  })
})

describe('request headers', () => {
  async function sent(headers: string, options = {}) {
    const { port, seen } = await echo(options)
    await askRaw(port, `GET / HTTP/1.1\r\nhost: a\r\n${headers}\r\n`)
    const lines = (seen[0] ?? '').split('\r\n').slice(1)
    return lines
      .filter((line) => line !== '')
      .map((line) => line.replace(/^([^:]*):/, (name) => name.toLowerCase()))
  }

  it('does not forward headers of the connection', async () => {
    const lines = await sent(
      'keep-alive: timeout=5\r\nproxy-connection: keep-alive\r\nte: trailers\r\nproxy-authorization: x\r\nhttp2-settings: x\r\nconnection: close, x-mine\r\nx-mine: 1\r\nx-other: 2\r\n',
    )
    expect(lines).toContain('x-other: 2')
    for (const name of [
      'keep-alive',
      'proxy-connection',
      'te',
      'proxy-authorization',
      'http2-settings',
      'x-mine',
    ])
      expect(lines.filter((line) => line.startsWith(`${name}:`))).toEqual([])
  })

  it('keeps headers that nodes rely on even if Connection lists them', async () => {
    const lines = await sent(
      'connection: host, cookie, authorization, x-forwarded-for, content-type, forwarded\r\ncookie: a=1\r\nauthorization: b\r\ncontent-type: c\r\n',
    )
    for (const line of [
      'host: a',
      'cookie: a=1',
      'authorization: b',
      'content-type: c',
      'x-forwarded-for: 127.0.0.1',
    ])
      expect(lines).toContain(line)
  })

  it('overwrites forwarding headers that a client sent', async () => {
    const forged =
      'x-forwarded-for: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nx-forwarded-host: evil\r\nx-forwarded-port: 1\r\nforwarded: for=6.6.6.6\r\nx-real-ip: 6.6.6.6\r\n'
    const lines = await sent(forged)
    expect(lines).toContain('x-forwarded-for: 127.0.0.1')
    expect(lines).toContain('x-forwarded-proto: http')
    expect(lines).toContain('x-forwarded-host: a')
    expect(lines.join()).not.toMatch(/6\.6\.6\.6|evil|x-forwarded-port|x-real-ip/)
  })

  it('keeps forwarding headers of trusted proxies, and uses them to identify the client', async () => {
    const chain =
      'x-forwarded-for: 6.6.6.6, 1.2.3.4\r\nx-forwarded-proto: https\r\nx-forwarded-host: shop\r\n'
    const lines = await sent(chain, { trustedHops: 1 })
    expect(lines).toContain('x-forwarded-for: 6.6.6.6, 1.2.3.4, 127.0.0.1')
    expect(lines).toContain('x-forwarded-proto: https')
    expect(lines).toContain('x-forwarded-host: shop')
    const nodes = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) => serve((_request, response) => response.end(name))),
    )
    const addresses = nodes.map(({ address }) => address)
    const homes = async (trustedHops: number, forwarded: (at: number) => string) => {
      const { LoadBalancingEngine } = await import('@sluice/core')
      const balancer = new LoadBalancingEngine('ip-hash')
      for (const { port } of nodes) balancer.registerNode('127.0.0.1', port)
      const { port } = await openProxy({ balancer, trustedHops })
      const found = new Set<string>()
      for (let at = 0; at < 12; at += 1)
        found.add((await ask(port, { headers: { 'x-forwarded-for': forwarded(at) } })).body)
      return found.size
    }
    expect(addresses).toHaveLength(4)
    expect(await homes(1, (at) => `6.6.6.6, 1.2.3.${at}`)).toBeGreaterThan(1)
    expect(await homes(1, (at) => `6.6.6.${at}, 1.2.3.4`)).toBe(1)
    expect(await homes(2, (at) => `6.6.6.${at}, 1.2.3.4`)).toBeGreaterThan(1)
    expect(await homes(0, (at) => `6.6.6.${at}`)).toBe(1)
  })

  it('keeps duplicate headers, and trailers of responses', async () => {
    const node = await serve((_request, response) => {
      response.writeHead(200, [
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
        ['X-Case', 'kept'],
        ['trailer', 'x-sum'],
        ['connection', 'x-hop'],
        ['x-hop', '1'],
      ] as never)
      response.write('body')
      response.addTrailers({ 'x-sum': '42' })
      response.end()
    })
    const { port } = await openProxy({ nodes: [node.address] })
    const answer = await ask(port)
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2'])
    expect(answer.rawHeaders).toContain('X-Case')
    expect(answer.headers['x-hop']).toBeUndefined()
    expect(answer.trailers).toEqual({ 'x-sum': '42' })
  })
})

describe('responses of nodes', () => {
  async function answered(bytes: string, method = 'GET') {
    const node = await serveRaw((socket) => socket.write(bytes, 'latin1'))
    const { port } = await openProxy({ nodes: [node], headersTimeoutMs: 2_000 })
    return askRaw(port, `${method} / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`)
  }

  it.each<[string, string]>([
    ['two different lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a control character in a header', 'HTTP/1.1 200 OK\r\nx-a: 1\x012\r\ncontent-length: 2\r\n\r\nok'],
    ['a folded header', 'HTTP/1.1 200 OK\r\nx-a: 1\r\n x-b: 2\r\ncontent-length: 2\r\n\r\nok'],
    ['headers of 20 KB', `HTTP/1.1 200 OK\r\nx-a: ${'a'.repeat(20_000)}\r\ncontent-length: 2\r\n\r\nok`],
    ['garbage', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
  ])('responds with 502 when the response of a node has %s', async (_, bytes) => {
    expect(statusOf(await answered(bytes))).toBe(502)
  })

  it('replaces unusual reason phrases in responses of nodes', async () => {
    const text = await answered('HTTP/1.1 200 Tr\xe8s bien\r\ncontent-length: 2\r\n\r\nok')
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(text.endsWith('ok')).toBe(true)
  })

  it.each([
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n', 204],
    ['304 with a length', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 100\r\netag: x\r\n\r\n', 304],
    [
      'hints before it',
      'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
      200,
    ],
    ['no length', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', 200],
  ])('forwards a response with %s', async (_, bytes, status) => {
    expect(statusOf(await answered(bytes))).toBe(status)
  })

  it('sends a length and no body in response to HEAD', async () => {
    const text = await answered('HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n', 'HEAD')
    expect(statusOf(text)).toBe(200)
    expect(text).toContain('content-length: 1234')
  })
})

describe('limits', () => {
  it('rejects a body that is too long by its declared length or its bytes', async () => {
    const { port, seen } = await echo({ maxBodyBytes: 10 })
    expect(
      (await ask(port, { method: 'POST', body: 'a'.repeat(10), headers: { 'content-length': '10' } })).status,
    ).toBe(200)
    const before = seen.length
    expect(statusOf(await askRaw(port, `${HEAD}content-length: 11\r\n\r\n${'a'.repeat(11)}`))).toBe(413)
    expect(seen).toHaveLength(before)
    const node = await serve((request, response) => {
      request.on('error', () => {})
      request.resume().on('end', () => response.end())
    })
    const chunked = await openProxy({ nodes: [node.address], maxBodyBytes: 10 })
    expect(
      statusOf(await askRaw(chunked.port, `${HEAD}${CHUNKED}\r\n5\r\nhello\r\n6\r\nworld!\r\n0\r\n\r\n`)),
    ).toBe(413)
    expect(
      statusOf(await askRaw(chunked.port, `${HEAD}${CHUNKED}\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n`)),
    ).toBe(200)
    expect(chunked.proxy.balancer.getClusterStats().ejectedNodes).toBe(0)
  })
})
