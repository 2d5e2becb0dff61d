import { describe, expect, it } from 'vitest'
import { SOON } from '../../../test/support/patience.ts'
import { ask, openProxy, serve, serveRaw } from './world.ts'

/** Two nodes; the first one takes `slowMs` and receives the first request. */
async function twoNodes(slowMs: () => number, status = 200) {
  const seen = { slow: 0, cancelled: 0, quick: 0 }
  const slow = await serve((request, response) => {
    seen.slow += 1
    const timer = setTimeout(() => {
      response.statusCode = status
      response.end('slow')
    }, slowMs())
    response.on('close', () => {
      clearTimeout(timer)
      if (!response.writableFinished) seen.cancelled += 1
    })
    request.resume()
  })
  const quick = await serve((request, response) => {
    seen.quick += 1
    request.resume()
    response.end('quick')
  })
  return { nodes: [slow.address, quick.address], seen }
}

describe('hedging', () => {
  it('sends a second request when the first node is slow, and cancels the first', async () => {
    const { nodes, seen } = await twoNodes(() => 60_000)
    const { port, proxy } = await openProxy({ nodes, strategy: 'round-robin', hedge: { after: 20 } })
    expect((await ask(port)).body).toBe('quick')
    await expect.poll(() => seen.cancelled, SOON).toBe(1)
    expect(proxy.getStats()).toMatchObject({ hedges: 1, retries: 0, failed: 0 })
    // The first node did not fail, but its response time is at least this long.
    expect(proxy.balancer.getNodeStats(nodes[0] ?? '')).toMatchObject({ activeConnections: 0, failures: 0 })
    expect(proxy.balancer.nodes[0]?.responseTime).toBeGreaterThanOrEqual(19)
  })

  it('uses the response of the first node when it arrives before that of the second', async () => {
    const { nodes } = await twoNodes(() => 60)
    const silent = await serveRaw(() => {})
    const { port, proxy } = await openProxy({
      nodes: [nodes[0] ?? '', silent],
      strategy: 'round-robin',
      hedge: { after: 10 },
    })
    expect((await ask(port)).body).toBe('slow')
    expect(proxy.getStats().hedges).toBe(1)
    await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(0)
  })

  it('ignores an error while the other node may still succeed', async () => {
    const { nodes } = await twoNodes(() => 80)
    const broken = await serve((_request, response) => response.writeHead(500).end('broken'))
    const hurried = await openProxy({
      nodes: [nodes[0] ?? '', broken.address],
      strategy: 'round-robin',
      hedge: { after: 10 },
    })
    expect(await ask(hurried.port)).toMatchObject({ status: 200, body: 'slow' })
    const dead = await serveRaw((socket) => socket.destroy())
    const alone = await openProxy({
      nodes: [nodes[0] ?? '', dead],
      strategy: 'round-robin',
      hedge: { after: 10 },
    })
    expect(await ask(alone.port)).toMatchObject({ status: 200, body: 'slow' })
    expect(alone.proxy.getStats()).toMatchObject({ hedges: 1, retries: 0, failed: 0 })
  })

  it('responds with the error when both nodes fail', async () => {
    const { nodes } = await twoNodes(() => 60, 500)
    const broken = await serve((_request, response) => response.writeHead(500).end('broken'))
    const { port } = await openProxy({
      nodes: [nodes[0] ?? '', broken.address],
      strategy: 'round-robin',
      hedge: { after: 10 },
    })
    expect(await ask(port)).toMatchObject({ status: 500, body: 'slow' })
  })

  it.each(['PUT', 'DELETE', 'POST'])('never sends a %s to two nodes concurrently', async (method) => {
    const { nodes, seen } = await twoNodes(() => 60)
    const { port, proxy } = await openProxy({ nodes, strategy: 'round-robin', hedge: { after: 5 } })
    expect((await ask(port, { method })).body).toBe('slow')
    expect(seen.quick).toBe(0)
    expect(proxy.getStats().hedges).toBe(0)
  })

  it('stops when its budget is spent', async () => {
    const { nodes, seen } = await twoNodes(() => 50)
    const options = { nodes, strategy: 'round-robin', hedge: { after: 5, budget: 0, burst: 2 } } as const
    const { port, proxy } = await openProxy(options)
    for (let at = 0; at < 8; at += 1) await ask(port)
    expect(proxy.getStats().hedges).toBe(2)
    expect(seen.slow).toBeGreaterThanOrEqual(4)
  })

  it('waits for the p95 of the fastest node once it has enough samples', async () => {
    let slowMs = 0
    const { nodes } = await twoNodes(() => slowMs)
    const { port, proxy } = await openProxy({ nodes, strategy: 'round-robin', hedge: true })
    slowMs = 100
    expect((await Promise.all([ask(port), ask(port)])).map(({ body }) => body)).toContain('slow')
    expect(proxy.getStats().hedges).toBe(0)
    slowMs = 0
    for (let at = 0; at < 220; at += 1) await ask(port)
    slowMs = 200
    // The percentile is recomputed at most once per second.
    await expect
      .poll(async () => (await Promise.all([ask(port), ask(port)])).map(({ body }) => body).join(), SOON)
      .toBe('quick,quick')
    expect(proxy.getStats().hedges).toBeGreaterThanOrEqual(1)
  })

  it('still detects a node that hangs', async () => {
    const { nodes } = await twoNodes(() => 60_000)
    const hedge = { after: 10, budget: 1, burst: 100 }
    const { port, proxy } = await openProxy({ nodes, strategy: 'round-robin', hedge, hangTimeoutMs: 100 })
    await expect
      .poll(
        async () => {
          expect((await ask(port)).body).toBe('quick')
          return proxy.balancer.getClusterStats().ejectedNodes
        },
        { ...SOON, interval: 5 },
      )
      .toBe(1)
  })

  it('cancels both requests when the client disconnects', async () => {
    const silent = [await serveRaw(() => {}), await serveRaw(() => {})]
    const { port, proxy } = await openProxy({ nodes: silent, hedge: { after: 5 } })
    const { connect } = await import('node:net')
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'))
    await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(2)
    socket.destroy()
    await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(0)
  })

  it.each([{ after: 0 }, { after: 'p90' }, { budget: 2 }, { burst: 0 }, { afterMs: 5 }])(
    'throws for %o',
    async (hedge) => {
      await expect(openProxy({ nodes: ['a:1'], hedge: hedge as never })).rejects.toThrow(
        `"hedge.${Object.keys(hedge)[0]}"`,
      )
    },
  )
})
