import { redisStore } from '@sluice/redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SentinelSetUp, startSentinel } from '../services/redis-sentinel.ts'
import { findRedisServer } from '../services/redis-server.ts'
import { TEST_MS } from '../support/patience.ts'
import { expectFailover } from './failover.ts'
import { clients } from './redis-worlds.ts'

const timing = {
  namespace: 'sentinel',
  leaseMs: 2_000,
  quarantineMs: 150,
  commandTimeoutMs: 300,
  retryAfterMs: 100,
}

describe.skipIf(findRedisServer() === undefined).each(Object.entries(clients))(
  'Redis behind a Sentinel, %s',
  (_, Client) => {
    let setUp: SentinelSetUp
    beforeAll(async () => {
      setUp = await startSentinel()
    }, TEST_MS)
    afterAll(() => setUp?.stop())

    it('distrusts the state of the promoted replica after a failover, and receives its invalidations', {
      timeout: TEST_MS,
    }, async () => {
      const redis = new Client({ ...setUp.options, sentinels: [...setUp.options.sentinels] })
      redis.on('error', () => {})
      try {
        await expectFailover({
          writer: redisStore(redis, timing),
          reader: redisStore(redis, timing),
          keys: ['key'],
          commandTimeoutMs: timing.commandTimeoutMs,
          replicated: async () => expect(await setUp.master.run('WAIT', 1, 1_000)).toBe(1),
          promote: async () => {
            await setUp.master.kill()
            await setUp.untilPromoted()
          },
        })
      } finally {
        redis.disconnect()
      }
    })
  },
)
