import { afterAll, describe } from 'vitest'
import { cacheStoreContract } from '../contracts/cache-store-contract.ts'
import { type RedisCluster, startRedisCluster } from '../services/redis-cluster.ts'
import { findRedisServer } from '../services/redis-server.ts'
import { clients, redisWorld, sharedRedis } from './redis-worlds.ts'

const shared = sharedRedis()

for (const [name, Redis] of Object.entries(clients)) {
  describe.skipIf('skipped' in shared)(name, () => {
    cacheStoreContract('Redis', async () => redisWorld(new Redis('url' in shared ? shared.url : '')))
  })
}

let cluster: RedisCluster | undefined
afterAll(() => cluster?.stop())

for (const [name, Redis] of Object.entries(clients)) {
  describe.skipIf(findRedisServer() === undefined)(`Cluster, ${name}`, () => {
    cacheStoreContract('Redis Cluster', async () => {
      cluster ??= await startRedisCluster()
      return redisWorld(new Redis.Cluster([...cluster.startupNodes]))
    })
  })
}
