import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getHeapStatistics } from 'node:v8'
import { createLoadShedding, type LoadShedOptions, type RequestPriority } from '@sluice/http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SOON } from '../../../../test/support/patience.ts'
import { ask } from '../world.ts'

const GIGABYTE = 2 ** 30

async function open(options: LoadShedOptions) {
  const shedding = createLoadShedding({
    priority: (request) => (request.headers['x-priority'] as RequestPriority | undefined) ?? 'normal',
    ...options,
  })
  const server = createServer((request, response) => {
    if (shedding.admit(request, response)) response.end('well')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    shedding.close()
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const get = async (priority: RequestPriority = 'normal', path = '/') => {
    const { status, headers } = await ask(port, { path, headers: { 'x-priority': priority } })
    return status === 503 ? [status, headers['retry-after']] : [status]
  }
  return { shedding, get }
}

/** Blocks the event loop several times, so that a sample is taken while it is delayed. */
async function holdUp(): Promise<void> {
  for (let at = 0; at < 4; at += 1) {
    const until = performance.now() + 120
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve))
  }
}

describe('shedding by the heap', () => {
  it('rejects requests above the limit, except probes and critical requests', async () => {
    const { shedding, get } = await open({ maxHeapBytes: 1, retryAfterSeconds: 9 })
    expect([
      await get(),
      await get('low'),
      await get('critical'),
      await get('normal', '/readyz?a=b'),
    ]).toEqual([[503, '9'], [503, '9'], [200], [200]])
    expect(shedding.getStats()).toEqual({
      concurrent: 0,
      admitted: 1,
      shed: { eventLoop: 0, concurrent: 0, heap: 2 },
    })
  })

  it('rejects low-priority requests from 50% of the limit on', async () => {
    const maxHeapBytes = Math.round(getHeapStatistics().used_heap_size * 1.5)
    const { get } = await open({ maxHeapBytes, maxEventLoopDelayMs: 0 })
    expect([await get(), await get('low')]).toEqual([[200], [503, '1']])
  })

  it('rejects nothing below the limit, and measures the heap again later', async () => {
    const { get } = await open({ maxHeapBytes: 64 * GIGABYTE, maxEventLoopDelayMs: 0 })
    expect([await get(), await get('low')]).toEqual([[200], [200]])
    const held: unknown[] = []
    const { used_heap_size } = getHeapStatistics()
    const { get: getAgain } = await open({
      maxHeapBytes: used_heap_size + 64 * 2 ** 20,
      maxEventLoopDelayMs: 0,
    })
    expect(await getAgain()).toEqual([200])
    for (let at = 0; at < 12; at += 1)
      held.push(Array.from({ length: 1_000_000 }, (_, index) => index + 0.5 + at))
    await expect.poll(() => getAgain(), SOON).toEqual([503, '1'])
    expect(held).toHaveLength(12)
  })
})

describe('shedding by timer delay', () => {
  it('rejects requests other than critical ones only while timers are delayed', async () => {
    const { shedding, get } = await open({ maxEventLoopDelayMs: 5 })
    await expect.poll(() => get(), { ...SOON, interval: 200 }).toEqual([200])
    const { eventLoop } = shedding.getStats().shed
    await holdUp()
    expect([await get(), await get('critical'), await get('normal', '/healthz')]).toEqual([
      [503, '1'],
      [200],
      [200],
    ])
    expect(shedding.getStats().shed).toEqual({ eventLoop: eventLoop + 1, concurrent: 0, heap: 0 })
    await expect.poll(() => get(), { ...SOON, interval: 200 }).toEqual([200])
  })

  it('ignores the delay when the limit is 0 and after it is closed', async () => {
    const off = await open({ maxEventLoopDelayMs: 0 })
    const closed = await open({ maxEventLoopDelayMs: 1, maxHeapBytes: 1, maxConcurrent: 1 })
    closed.shedding.close()
    await holdUp()
    expect([await off.get(), await closed.get()]).toEqual([[200], [200]])
  })
})
