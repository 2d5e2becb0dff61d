import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { SOON } from '../../../../test/support/patience.ts'
import { LoadShedder } from '../../src/admission/create-load-shedding.ts'
import { ask, askRaw, openProxy, serve, serveRaw, statusOf } from '../world.ts'

async function node() {
  return (await serve((request, response) => request.pipe(response))).address
}

describe('rate limits', () => {
  it('responds with 429 and Retry-After when a client exceeds the rate limit', async () => {
    const { port, proxy } = await openProxy({
      nodes: [await node()],
      rateLimit: { requests: 3, perSeconds: 60 },
    })
    const statuses: number[] = []
    for (let at = 0; at < 5; at += 1) statuses.push((await ask(port, { method: 'POST', body: 'x' })).status)
    expect(statuses).toEqual([200, 200, 200, 429, 429])
    const refused = await ask(port)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60)
    expect(proxy.getStats()).toMatchObject({ limited: 3, failed: 3, requests: 6 })
    expect(proxy.balancer.getClusterStats().totalRequests).toBe(3)
  })

  it('keeps the connection open after a 429 response', async () => {
    const { port } = await openProxy({ nodes: [await node()], rateLimit: { requests: 1, perSeconds: 60 } })
    const twice = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
    expect((await askRaw(port, `${twice}${twice}${twice}`)).match(/HTTP\/1\.1 (\d+)/g)).toEqual([
      'HTTP/1.1 200',
      'HTTP/1.1 429',
      'HTTP/1.1 429',
    ])
  })

  it('allows one burst above the rate limit', async () => {
    const { port } = await openProxy({
      nodes: [await node()],
      rateLimit: { requests: 1, perSeconds: 60, burst: 2 },
    })
    const statuses: number[] = []
    for (let at = 0; at < 4; at += 1) statuses.push((await ask(port)).status)
    expect(statuses).toEqual([200, 200, 200, 429])
  })

  it('limits each client separately behind trusted proxies', async () => {
    const options = { nodes: [await node()], rateLimit: { requests: 1, perSeconds: 60 } }
    const from = (ip: string) => ({ headers: { 'x-forwarded-for': ip } })
    const trusting = await openProxy({ ...options, trustedHops: 1 })
    expect((await ask(trusting.port, from('1.1.1.1'))).status).toBe(200)
    expect((await ask(trusting.port, from('2.2.2.2'))).status).toBe(200)
    expect((await ask(trusting.port, from('1.1.1.1'))).status).toBe(429)
    expect((await ask(trusting.port, from('2001:db8::1'))).status).toBe(200)
    expect((await ask(trusting.port, from('2001:db8::2'))).status).toBe(429)
    const other = await openProxy(options)
    expect((await ask(other.port, from('1.1.1.1'))).status).toBe(200)
    expect((await ask(other.port, from('2.2.2.2'))).status).toBe(429)
  })

  it('limits by the key of the app, and does not limit requests without a key', async () => {
    const key = (request: { headers: { [name: string]: string | string[] | undefined } }) =>
      request.headers['x-tenant'] as string | undefined
    const { port } = await openProxy({
      nodes: [await node()],
      rateLimit: { requests: 1, perSeconds: 60, key },
    })
    const as = async (tenant?: string) =>
      (await ask(port, { headers: tenant === undefined ? {} : { 'x-tenant': tenant } })).status
    expect([await as('a'), await as('a'), await as('b'), await as(), await as()]).toEqual([
      200, 429, 200, 200, 200,
    ])
  })

  it('allows requests and warns once when the key function throws', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const key = () => {
      throw new Error('no tenant')
    }
    const { port } = await openProxy({ nodes: [await node()], rateLimit: { requests: 1, key } })
    expect([(await ask(port)).status, (await ask(port)).status]).toEqual([200, 200])
    expect(warned).toHaveBeenCalledTimes(1)
    expect(String(warned.mock.calls[0]?.[0])).toContain('no tenant')
    warned.mockRestore()
  })

  it('limits WebSocket handshakes', async () => {
    const handshake = 'GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'
    const upstream = await serveRaw((socket) =>
      socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'),
    )
    const { port, proxy } = await openProxy({ nodes: [upstream], rateLimit: { requests: 1, perSeconds: 60 } })
    expect(statusOf(await askRaw(port, handshake))).toBe(101)
    expect(await askRaw(port, handshake)).toMatch(/^HTTP\/1\.1 429 [\s\S]*retry-after: \d+/)
    expect(proxy.getStats()).toMatchObject({ requests: 2, limited: 1 })
  })

  it.each([
    {},
    { requests: 0 },
    { requests: 1, perSeconds: 0.5 },
    { requests: 1, burst: -1 },
    { requests: 1, redis: {} },
    { requests: 1, points: 2 },
  ])('throws for invalid rate limits: %o', async (rateLimit) => {
    await expect(openProxy({ nodes: ['a:1'], rateLimit: rateLimit as never })).rejects.toThrow('"rateLimit.')
  })
})

describe('maxConcurrentPerClient', () => {
  it('rejects concurrent requests above the limit until one of them ends', async () => {
    const answers: (() => void)[] = []
    const { address } = await serve((_request, response) => answers.push(() => response.end('well')))
    const { port, proxy } = await openProxy({ nodes: [address], maxConcurrentPerClient: 2 })
    const open = [ask(port), ask(port)]
    await expect.poll(() => answers.length, SOON).toBe(2)
    expect(await ask(port)).toMatchObject({ status: 429, headers: { 'retry-after': '1' } })
    answers[0]?.()
    await Promise.race(open)
    await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(1)
    const third = ask(port)
    await expect.poll(() => answers.length, SOON).toBe(3)
    for (const answer of answers.slice(1)) answer()
    expect((await third).body).toBe('well')
  })

  it('counts the /64 prefix of an IPv6 address as one client', async () => {
    const answers: (() => void)[] = []
    const { address } = await serve((_request, response) => answers.push(() => response.end('well')))
    const { port } = await openProxy({ nodes: [address], maxConcurrentPerClient: 1, trustedHops: 1 })
    const from = (ip: string) => ask(port, { headers: { 'x-forwarded-for': ip } })
    const open = [from('2001:db8::1'), from('2001:db8:0:1::1')]
    await expect.poll(() => answers.length, SOON).toBe(2)
    expect((await from('2001:db8::2')).status).toBe(429)
    for (const answer of answers) answer()
    expect((await Promise.all(open)).map(({ status }) => status)).toEqual([200, 200])
  })

  it('releases the slot of a client that disconnects', async () => {
    const { port, proxy } = await openProxy({ nodes: [await serveRaw(() => {})], maxConcurrentPerClient: 1 })
    for (let at = 0; at < 3; at += 1) {
      const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'))
      await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(1)
      socket.destroy()
      await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(0)
    }
    expect(proxy.getStats().limited).toBe(0)
  })
})

describe('maxConcurrentPerClient for WebSockets', () => {
  it('counts a WebSocket for as long as it is open', async () => {
    const handshake = 'GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'
    const upstream = await serveRaw((socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'),
    )
    const { port } = await openProxy({ nodes: [upstream], maxConcurrentPerClient: 1 })
    const socket = connect(port, '127.0.0.1', () => socket.write(handshake))
    await once(socket, 'data')
    expect(statusOf(await askRaw(port, handshake))).toBe(429)
    socket.destroy()
    await expect.poll(async () => statusOf(await askRaw(port, handshake, 50)), SOON).toBe(101)
  })
})

describe('maxConnectionsPerClient', () => {
  it('closes connections above the limit, and accepts new ones when one ends', async () => {
    const { port, proxy } = await openProxy({ nodes: [await node()], maxConnectionsPerClient: 2 })
    const sockets = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    const third = connect(port, '127.0.0.1')
    third.on('error', () => {})
    await once(third, 'close')
    expect(proxy.getStats().limited).toBe(1)
    sockets[0]?.destroy()
    await expect
      .poll(
        () =>
          ask(port).then(
            ({ status }) => status,
            () => 0,
          ),
        SOON,
      )
      .toBe(200)
    sockets[1]?.destroy()
  })
})

describe('shedding', () => {
  it('sheds more requests the longer timers are delayed, and none once they are on time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    try {
      let late = 0
      let chance = 0.5
      const shedder = new LoadShedder(
        100,
        () => performance.now() + late,
        () => chance,
      )
      expect(shedder.sheds()).toBe(false)
      // Each timer runs 150 ms late.
      for (let at = 0; at < 20; at += 1) {
        late += 150
        await vi.advanceTimersByTimeAsync(50)
      }
      expect(shedder.delayMs).toBeCloseTo(150, 0)
      chance = 0.4
      expect(shedder.sheds()).toBe(true)
      chance = 0.6
      expect(shedder.sheds()).toBe(false)
      await vi.advanceTimersByTimeAsync(1_000)
      chance = 0
      expect(shedder.delayMs).toBeLessThan(1)
      expect(shedder.sheds()).toBe(false)
      shedder.close()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('responds with 503 only while the event loop is delayed', async () => {
    const { port, proxy } = await openProxy({ nodes: [await node()], shed: { maxEventLoopDelayMs: 5 } })
    await expect.poll(async () => (await ask(port)).status, { ...SOON, interval: 200 }).toBe(200)
    const { shed } = proxy.getStats()
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const block = (ms: number) => {
      const until = performance.now() + ms
      while (performance.now() < until);
    }
    let text = ''
    socket.on('data', (data) => {
      text += data
    })
    // Long enough for the sampler to run during the delay.
    for (let at = 0; at < 4; at += 1) {
      block(120)
      await new Promise((resolve) => setTimeout(resolve))
    }
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await expect.poll(() => text, SOON).toMatch(/^HTTP\/1\.1 503 [\s\S]*retry-after: 1/i)
    expect(proxy.getStats().shed).toBe(shed + 1)
    socket.destroy()
    await expect.poll(async () => (await ask(port)).status, { ...SOON, interval: 200 }).toBe(200)
  })

  it.each([{ maxEventLoopDelayMs: 0 }, { delay: 5 }])('rejects the options %o', async (shed) => {
    await expect(openProxy({ nodes: ['a:1'], shed: shed as never })).rejects.toThrow('"shed.')
  })
})
