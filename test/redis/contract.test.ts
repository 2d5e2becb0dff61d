import { describe } from 'vitest'
import { cacheStoreContract } from '../contracts/cache-store-contract.ts'
import { clients, redisWorld, sharedRedis } from './redis-worlds.ts'

const shared = sharedRedis()

for (const [name, Redis] of Object.entries(clients)) {
  describe.skipIf('skipped' in shared)(name, () => {
    cacheStoreContract('Redis', async () => redisWorld(new Redis('url' in shared ? shared.url : '')))
  })
}
