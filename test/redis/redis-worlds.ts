import { type RedisStore, type RedisStoreOptions, redisStore } from '@sluice/redis'
import { type Cluster, Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import { inject } from 'vitest'
import type { StoreWorld } from '../contracts/store-world.ts'
import { randomSuffix } from '../services/service.ts'

/** The supported versions of ioredis. The types are those of the newest. */
export const clients: Readonly<Record<string, typeof Redis>> = {
  'ioredis 6': Redis,
  'ioredis 5': Redis5 as unknown as typeof Redis,
}

export interface RedisWorld extends StoreWorld {
  readonly namespace: string
  connect(options?: RedisStoreOptions): RedisStore
}

/** The address of the Redis that all tests share, or the reason why there is none. */
export function sharedRedis(): { readonly url: string } | { readonly skipped: string } {
  return inject('services').redis
}

/** Stores in a separate namespace. */
export function redisWorld(redis: Redis | Cluster): RedisWorld {
  const namespace = `test-${randomSuffix()}`
  const timing = { leaseMs: 400, quarantineMs: 200 }
  return {
    ...timing,
    namespace,
    connect: (options) => redisStore(redis, { namespace, ...timing, ...options }),
    lose: async () => {
      const nodes = redis.isCluster ? (redis as Cluster).nodes('master') : [redis as Redis]
      for (const node of nodes) {
        const keys = await node.keys(`*${namespace}*`)
        await Promise.all(keys.map((key) => node.del(key)))
      }
    },
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    stop: async () => redis.disconnect(),
  }
}
