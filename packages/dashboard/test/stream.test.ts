import { describe, expect, it } from 'vitest'
import { SOON } from '../../../test/support/patience.ts'
import type { Delta, Snapshot } from '../src/protocol/index.ts'
import { listen } from './stream/world.ts'
import { ask, execute, openWorld, shapeOf } from './world.ts'

const region = shapeOf('Region.findUnique where id')

describe('stream', () => {
  it('starts with a snapshot and continues with deltas', async () => {
    const { sluice, port } = await openWorld()
    await sluice.run(() => execute(sluice, region), { name: 'GET /before' })
    const stream = await listen(port)
    const { data, id } = await stream.next('snapshot')
    const snapshot: Snapshot = data
    expect(snapshot).toMatchObject({
      schemaVersion: 3,
      mode: 'observe',
      process: { name: 'test', pid: process.pid, index: 1, of: 1 },
      engines: { detection: true, cache: true, database: true, balancer: true, jobs: true, monitor: true },
      rights: { act: true, reason: null, parameters: false },
      requests: [{ name: 'GET /before', queries: 1 }],
      routes: [{ name: 'GET /before', requests: 1 }],
    })
    expect(snapshot.sparklines).toHaveLength(6)
    expect(id).toMatch(/^[0-9a-f]{12}\.\d+$/)
    await sluice.run(() => execute(sluice, region), { name: 'GET /after' })
    const delta: Delta = (await stream.next('delta', ({ requests = [] }: Delta) => requests.length > 0)).data
    expect(delta.requests?.map(({ name }) => name)).toEqual(['GET /after'])
    const routes: Delta = (await stream.next('delta', ({ routes }: Delta) => routes !== undefined)).data
    expect(routes.routes?.find(({ name }) => name === 'GET /after')).toMatchObject({ requests: 1 })
    expect(stream.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    })
  })

  it('reports why actions are not allowed', async () => {
    const { port } = await openWorld({ actions: false })
    const { rights }: Snapshot = (await (await listen(port)).next('snapshot')).data
    expect(rights).toEqual({ act: false, reason: expect.stringContaining('read-only'), parameters: false })
  })

  it('reports each stale page once', async () => {
    const { sluice, port } = await openWorld()
    const stream = await listen(port)
    await stream.next('snapshot')
    sluice.monitor?.registerMetric('orders', { warning: 1, critical: 2 })
    sluice.monitor?.recordMetric('orders', 3, 'shop')
    await stream.next('delta', ({ stale = [] }: Delta) => stale.includes('alerts'))
    const delta: Delta = (await stream.next('delta', ({ badges }: Delta) => badges?.alerts === 1)).data
    expect(delta.ranked?.[0]).toMatchObject({ kind: 'alert', severity: 'high', section: 'alerts' })
  })

  it('resumes after an interruption, or sends a snapshot if that is not possible', async () => {
    const { sluice, port } = await openWorld()
    const first = await listen(port)
    await first.next('snapshot')
    await sluice.run(() => {}, { name: 'GET /one' })
    const { id } = await first.next('delta', ({ requests = [] }: Delta) => requests.length > 0)
    first.close()
    const other = await listen(port)
    await other.next('snapshot')
    await sluice.run(() => {}, { name: 'GET /two' })
    await other.next('delta', ({ requests = [] }: Delta) => requests.some(({ name }) => name === 'GET /two'))
    const again = await listen(port, { 'last-event-id': id })
    const missed: Delta = (await again.next('delta', ({ requests = [] }: Delta) => requests.length > 0)).data
    expect(missed.requests?.map(({ name }) => name)).toEqual(['GET /two'])
    expect(again.events.some(({ event }) => event === 'snapshot')).toBe(false)
    for (const unknown of [
      '000000000000.1',
      `${id.split('.')[0]}.999999`,
      `${id.split('.')[0]}.0`,
      'nonsense',
    ])
      expect(
        (await (await listen(port, { 'last-event-id': unknown })).next('snapshot')).data,
        unknown,
      ).toMatchObject({ schemaVersion: 3 })
  })

  it('continues when the only reader returns', async () => {
    const { sluice, port } = await openWorld()
    const first = await listen(port)
    const { id } = await first.next('snapshot')
    first.close()
    await sluice.run(() => {}, { name: 'GET /meanwhile' })
    const again = await listen(port, { 'last-event-id': id })
    const delta: Delta = (await again.next('delta', ({ requests = [] }: Delta) => requests.length > 0)).data
    expect(delta.requests?.map(({ name }) => name)).toEqual(['GET /meanwhile'])
    await again.next('delta', ({ stale = [] }: Delta) => stale.includes('jobs'))
  })

  it('is rejected if the maximum number is open, until one closes', async () => {
    const { port } = await openWorld({ maxStreams: 1 })
    const first = await listen(port)
    await first.next('snapshot')
    const refused = await ask(port, '/_sluice/api/stream')
    expect([refused.status, refused.body]).toEqual([
      503,
      { error: { code: 'TOO_MANY_STREAMS', message: expect.any(String) } },
    ])
    first.close()
    await expect.poll(async () => (await listen(port)).response.statusCode, SOON).toBe(200)
  })

  it('ends when the dashboard is closed', async () => {
    const { dashboard, port } = await openWorld()
    const stream = await listen(port)
    await stream.next('snapshot')
    const ended = new Promise((resolve) => stream.response.once('end', resolve))
    dashboard.close()
    await ended
  })
})
