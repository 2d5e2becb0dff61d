import { redisStore } from '@sluice/redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keySlot } from '../../packages/redis/src/server/server-of.ts'
import { type RedisCluster, startRedisCluster } from '../services/redis-cluster.ts'
import { findRedisServer } from '../services/redis-server.ts'
import { expectFailover } from './failover.ts'
import { clients } from './redis-worlds.ts'
import { eventually } from './witness.ts'

/** A namespace whose tags are on the first master, which has a replica. */
const namespace =
  Array.from({ length: 100 }, (_, at) => `ns${at}`).find((name) => keySlot(name) < 5_000) ?? ''
const timing = { namespace, leaseMs: 2_000, quarantineMs: 150, commandTimeoutMs: 300, retryAfterMs: 100 }

describe.skipIf(findRedisServer() === undefined).each(Object.entries(clients))(
  'faults of a Redis Cluster, %s',
  (_, Client) => {
    let cluster: RedisCluster
    beforeAll(async () => {
      cluster = await startRedisCluster()
    })
    afterAll(() => cluster?.stop())

    it('distrusts the state of the promoted replica after a failover, and receives its invalidations', async () => {
      const redis = new Client.Cluster([...cluster.startupNodes])
      redis.on('error', () => {})
      try {
        await expectFailover({
          writer: redisStore(redis, timing),
          reader: redisStore(redis, timing),
          keys: Array.from({ length: 12 }, (_, at) => `key ${at}`),
          commandTimeoutMs: timing.commandTimeoutMs,
          replicated: async () => expect(await cluster.masters[0]?.run('WAIT', 1, 1_000)).toBe(1),
          promote: async () => {
            await cluster.masters[0]?.kill()
            await cluster.untilPromoted()
          },
        })
      } finally {
        redis.disconnect()
      }
    })

    it('continues without the entries of a node that is down if the tags are on another', async () => {
      const redis = new Client.Cluster([...cluster.startupNodes])
      redis.on('error', () => {})
      const store = redisStore(redis, timing)
      try {
        const stamps = await eventually(() => store.open(['a']))
        const times = { queriedAt: 0, ttlMs: 60_000, costMs: 1 }
        const keys = Array.from({ length: 12 }, (_, at) => `other ${at}`)
        for (const key of keys) await store.set(key, { value: key, tags: ['a'], times, ...stamps }, 60_000)
        const down = cluster.masters[2]
        await down?.pause(true)
        const states = await Promise.all(keys.map((key) => store.read(['a'], key)))
        await down?.pause(false)
        for (const state of states) expect(state).toMatchObject(stamps)
        const found = states.filter(({ entry }) => entry !== undefined).length
        expect(found).toBeGreaterThan(0)
        expect(found).toBeLessThan(keys.length)
      } finally {
        await store.close()
        redis.disconnect()
      }
    })
  },
)
