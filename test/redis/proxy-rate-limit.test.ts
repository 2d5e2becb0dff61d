import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createProxy } from '@sluice/http/proxy'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { findRedisServer, startRedisServer } from '../services/redis-server.ts'
import { SOON } from '../support/patience.ts'
import { clients } from './redis-worlds.ts'

async function serve(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

describe.skipIf(findRedisServer() === undefined).each(Object.entries(clients))(
  'rate limits in Redis, %s',
  (_, Client) => {
    /** Two proxies with separate connections to one Redis, and one node. */
    async function fleet(requests: number) {
      const redis = await startRedisServer()
      onTestFinished(() => redis.stop())
      const node = await serve(createServer((_request, response) => response.end('well')))
      const open = async () => {
        const client = new Client({ port: redis.port, host: '127.0.0.1' })
        client.on('error', () => {})
        onTestFinished(() => client.disconnect())
        const rateLimit = { requests, perSeconds: 60, redis: client, namespace: 'limit' }
        const proxy = createProxy({ nodes: [`127.0.0.1:${node}`], rateLimit })
        onTestFinished(() => proxy.close({ graceMs: 0 }))
        const port = await serve(createServer(proxy.handler))
        await expect.poll(() => client.status, SOON).toBe('ready')
        return async () => (await fetch(`http://127.0.0.1:${port}/`)).status
      }
      return { redis, first: await open(), second: await open() }
    }

    it('count for all processes together', async () => {
      const { redis, first, second } = await fleet(4)
      const statuses = [
        await first(),
        await second(),
        await first(),
        await second(),
        await first(),
        await second(),
      ]
      expect(statuses).toEqual([200, 200, 200, 200, 429, 429])
      expect(await redis.run('KEYS', '*')).toEqual([expect.stringMatching(/^limit:s:127\.0\.0\.1$/)])
      expect(Number(await redis.run('PTTL', 'limit:s:127.0.0.1'))).toBeGreaterThan(50_000)
    })

    it.each(['killed', 'hung'])(
      'count in each process while Redis is %s, and fail no request',
      async (how) => {
        const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
        onTestFinished(() => warned.mockRestore())
        const { redis, first, second } = await fleet(2)
        expect(await first()).toBe(200)
        if (how === 'killed') await redis.kill()
        else await redis.pause(true)
        const statuses: number[] = []
        for (const one of [first, second]) for (let at = 0; at < 3; at += 1) statuses.push(await one())
        expect(statuses).toEqual([200, 200, 429, 200, 200, 429])
        expect(warned.mock.calls.filter(([text]) => String(text).includes('rate limit'))).toHaveLength(2)
        if (how === 'hung') await redis.pause(false)
      },
    )
  },
)
