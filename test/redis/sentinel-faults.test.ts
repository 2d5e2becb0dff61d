import { StoreUnavailableError } from '@sluice/core'
import { redisStore } from '@sluice/redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SentinelSetUp, startSentinel } from '../services/redis-sentinel.ts'
import { findRedisServer } from '../services/redis-server.ts'
import { clients } from './redis-worlds.ts'
import { eventually, Witness } from './witness.ts'

const timing = { namespace: 'sentinel', leaseMs: 2_000, quarantineMs: 150, commandTimeoutMs: 300, retryAfterMs: 100 }

describe.skipIf(findRedisServer() === undefined).each(Object.entries(clients))('Redis behind a Sentinel, %s', (_, Client) => {
  let setUp: SentinelSetUp
  beforeAll(async () => {
    setUp = await startSentinel()
  }, 30_000)
  afterAll(() => setUp?.stop())

  it('fails over: what the promoted replica knows is not trusted, and invalidations are heard from it', async () => {
    const redis = new Client({ ...setUp.options, sentinels: [...setUp.options.sentinels] })
    redis.on('error', () => {})
    const [writer, reader] = [redisStore(redis, timing), redisStore(redis, timing)]
    const witness = new Witness(reader)
    try {
      reader.watch(witness)
      const before = await eventually(() => reader.open(['a']))
      await reader.ping()
      const times = { askedAt: 0, ttlMs: 60_000, costMs: 1 }
      await reader.set('key', { value: 1, tags: ['a'], times, ...before }, 60_000)
      expect(await setUp.master.run('WAIT', 1, 1_000)).toBe(1)
      expect((await reader.read(['a'], 'key')).entry?.epoch).toBe(before.epoch)
      const load = witness.load(4)

      await setUp.master.kill()
      await setUp.untilPromoted()
      const after = await eventually(() => reader.open(['a']))
      witness.stop()
      await load

      expect(after.epoch).not.toBe(before.epoch)
      // The replica has the entry and its stamps; its epoch tells that they are of another life.
      const state = await eventually(() => reader.read(['a'], 'key'))
      expect(state.entry?.epoch).toBe(before.epoch)
      expect(state.epoch).toBe(after.epoch)
      expect(witness.failures.filter((error) => !(error instanceof StoreUnavailableError))).toEqual([])
      expect(witness.slowestMs).toBeLessThan(timing.commandTimeoutMs + 700)

      await eventually(() => reader.ping().then(() => true))
      expect(witness.losses).toBeGreaterThanOrEqual(2)
      witness.tags.length = 0
      await eventually(() => writer.begin(['a'], 'w').then(() => true))
      await reader.ping()
      expect(witness.tags).toContain('a')
      await writer.end(['a'], 'w')
    } finally {
      witness.stop()
      await Promise.all([writer.close(), reader.close()])
      redis.disconnect()
    }
  }, 40_000)
})
