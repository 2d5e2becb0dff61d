import { InvalidArgumentError } from '@sluice/core'
import type { Cluster, Redis } from 'ioredis'
import { type RedisStore, Store } from './redis-store.ts'
import { type RedisStoreOptions, resolveRedisStoreOptions } from './redis-store-options.ts'
import { RegionalStore } from './regions/regional-store.ts'

/**
 * Creates a store in Redis, for any number of processes: on a single node, behind Sentinels, or on a Cluster
 * (Redis 7 or later).
 *
 * @param redis - An instance of ioredis 5 or 6. Only its connection options are used: the store opens
 * separate connections, with a timeout for each command and without queues, and closes them in `close`. The
 * instance itself stays open.
 * @throws InvalidOptionError if an option is unknown, of the wrong type, or out of bounds;
 * InvalidArgumentError if `redis` is not an instance of ioredis.
 *
 * @example
 * ```ts
 * import { Redis } from 'ioredis'
 * import { redisStore } from '@sluice/redis'
 *
 * const redis = new Redis('redis://127.0.0.1:6379')
 * const store = redisStore(redis, { namespace: 'shop' })
 * ```
 */
export function redisStore(redis: Redis | Cluster, options: RedisStoreOptions = {}): RedisStore {
  if (!isRedis(redis)) throw new InvalidArgumentError('redis', 'an instance of ioredis', redis)
  const resolved = resolveRedisStoreOptions(options)
  const regions = Object.keys(resolved.remoteRegions)
  const local = new Store(redis, { ...resolved, regions, isRelay: false })
  if (regions.length === 0) return local
  const remotes = Object.entries(resolved.remoteRegions).map(
    ([region, client]) => [region, new Store(client, { ...resolved, regions: [], isRelay: false })] as const,
  )
  return new RegionalStore(local, new Map(remotes))
}

function isRedis(value: unknown): boolean {
  try {
    return typeof (value as Redis | undefined)?.duplicate === 'function'
  } catch {
    return false
  }
}
