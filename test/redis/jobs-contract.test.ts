import { bullmqJobBackend } from '@sluice/redis/bullmq'
import { afterAll, describe } from 'vitest'
import { jobBackendContract } from '../contracts/jobs/job-backend-contract.ts'
import { type RedisCluster, startRedisCluster } from '../services/redis-cluster.ts'
import { findRedisServer } from '../services/redis-server.ts'
import { bullmqWorld } from './job-worlds.ts'
import { clients } from './redis-worlds.ts'

for (const name of Object.keys(clients)) {
  describe.skipIf(findRedisServer() === undefined)(name, () => {
    jobBackendContract('BullMQ', () => bullmqWorld(name))
  })
}

let cluster: RedisCluster | undefined
afterAll(() => cluster?.stop())

for (const [name, Client] of Object.entries(clients)) {
  describe.skipIf(findRedisServer() === undefined)(`Cluster, ${name}`, () => {
    jobBackendContract('BullMQ', async () => {
      cluster ??= await startRedisCluster()
      const redis = new Client.Cluster([...cluster.startupNodes])
      redis.on('error', () => {})
      return { connect: () => bullmqJobBackend(redis), stop: async () => redis.disconnect() }
    })
  })
}
