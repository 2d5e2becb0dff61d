import { InvalidOptionError, LoadBalancingEngine } from '@sluice/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SOON } from '../../../test/support/patience.ts'
import { createProxy, type ProxyOptions } from '../src/proxy/index.ts'
import { DelayProxy } from './delay-proxy.ts'
import { ask, openProxy, serve, unusedAddress } from './world.ts'

const ways = { west: 0, north: 15, east: 40 }

/** Two servers in each region, with a delay for the way to them. */
async function openRegions() {
  const nodes: { readonly region: string; readonly way: DelayProxy }[] = []
  for (const [region, wayMs] of Object.entries(ways)) {
    for (let at = 0; at < 2; at += 1) {
      const { port } = await serve((_request, response) => setTimeout(() => response.end(region), 2))
      nodes.push({ region, way: await DelayProxy.open(port, wayMs) })
    }
  }
  return nodes
}

describe('a proxy with regions', () => {
  it('serves all requests while the local region is killed under load, and returns to it', async () => {
    const regions = await openRegions()
    const { port, proxy } = await openProxy({
      nodes: regions.map(({ region, way }) => ({ host: '127.0.0.1', port: way.port, region })),
      region: { local: 'west', rttMs: ways },
      probe: { path: '/', intervalMs: 50 },
      hangTimeoutMs: 1_000,
    })
    const served = { west: 0, north: 0, east: 0 }
    let failed = 0
    let isRunning = true
    onTestFinished(() => {
      isRunning = false
    })
    const clients = Array.from({ length: 8 }, async () => {
      while (isRunning) {
        const { status, body } = await ask(port).catch(() => ({ status: 0, body: '' }))
        if (status === 200) served[body as keyof typeof served] += 1
        else failed += 1
      }
    })
    const since = { ...served }
    const reset = () => Object.assign(since, served)
    const count = (region: keyof typeof served) => served[region] - since[region]
    await expect.poll(() => count('west'), SOON).toBeGreaterThan(300)
    expect(count('north') + count('east')).toBeLessThan(0.2 * count('west'))
    const local = regions.filter(({ region }) => region === 'west')
    const restarts = await Promise.all(local.map(({ way }) => way.interrupt()))
    reset()
    await expect.poll(() => count('north'), SOON).toBeGreaterThan(200)
    // Responses that were on their way.
    expect(count('west')).toBeLessThanOrEqual(clients.length)
    expect(count('east')).toBeLessThan(0.1 * count('north'))
    for (const restart of restarts) await restart()
    await expect
      .poll(
        () => {
          const isBack = count('west') > 10 * (count('north') + count('east')) && count('west') > 50
          reset()
          return isBack
        },
        { ...SOON, interval: 300 },
      )
      .toBe(true)
    isRunning = false
    await Promise.all(clients)
    expect(failed).toBe(0)
    expect(
      proxy.balancer
        .getClusterStats()
        .regions.map(({ name, activeConnections }) => [name, activeConnections]),
    ).toEqual([
      ['west', 0],
      ['north', 0],
      ['east', 0],
    ])
  })

  it('sends a request to another region when 2 nodes of a region have failed', async () => {
    const { port: north } = await serve((_request, response) => response.end('north'))
    const dead = await Promise.all([1, 2, 3, 4].map(() => unusedAddress()))
    const west = dead.map((address) => ({
      host: '127.0.0.1',
      port: Number(address.slice(10)),
      region: 'west',
    }))
    const { port } = await openProxy({
      nodes: [...west, { host: '127.0.0.1', port: north, region: 'north' }],
      region: { local: 'west' },
    })
    expect(await ask(port)).toMatchObject({ status: 200, body: 'north' })
  })

  it('sends a request to each node only once while there are others', async () => {
    const { port: alive } = await serve((_request, response) => response.end('alive'))
    const dead = await Promise.all([1, 2].map(() => unusedAddress()))
    const { port } = await openProxy({
      // With this weight, it is the last choice of each client.
      nodes: [...dead, { host: '127.0.0.1', port: alive, weight: 1e-9 }],
      strategy: 'ip-hash',
    })
    expect(await ask(port)).toMatchObject({ status: 200, body: 'alive' })
  })

  it('measures the distance of regions with its probes', async () => {
    const regions = await openRegions()
    const { proxy } = await openProxy({
      nodes: regions.reverse().map(({ region, way }) => ({ host: '127.0.0.1', port: way.port, region })),
      region: { local: 'west' },
      probe: { path: '/', intervalMs: 20 },
    })
    const order = () => proxy.balancer.getClusterStats().regions.map(({ name }) => name)
    const known = () => proxy.balancer.getClusterStats().regions.every(({ rttMs }) => rttMs !== null)
    await expect.poll(known, SOON).toBe(true)
    expect(order()).toEqual(['west', 'north', 'east'])
    const [, north, east] = proxy.balancer.getClusterStats().regions.map(({ rttMs }) => rttMs ?? 0)
    // The delay applies to data only: a connection is opened immediately.
    expect(north).toBeGreaterThan(ways.north / 2)
    expect(east).toBeGreaterThan(ways.east / 2)
  })

  it.each<[ProxyOptions, string]>([
    [{ nodes: ['a:1'], region: { local: 'west' } }, 'region'],
    [{ nodes: [{ host: 'a', port: 1, region: 'west' }], region: { local: '' } }, 'region.local'],
    [{ balancer: new LoadBalancingEngine(), region: { local: 'west' } }, 'region'],
    [{ nodes: [{ host: 'a', port: 1, place: 'west' } as never] }, 'place'],
  ])('rejects the options %o', (options, name) => {
    const create = () => createProxy(options)
    expect(create).toThrow(InvalidOptionError)
    expect(create).toThrow(`"${name}"`)
  })
})
