import { bullmqJobBackend } from '@sluice/redis/bullmq'
import { describe } from 'vitest'
import { jobBackendContract } from '../contracts/jobs/job-backend-contract.ts'
import { findRedisServer, startRedisServer } from '../services/redis-server.ts'
import { clients } from './redis-worlds.ts'

for (const [name, Client] of Object.entries(clients)) {
  describe.skipIf(findRedisServer() === undefined)(name, () => {
    jobBackendContract('BullMQ', async () => {
      const server = await startRedisServer()
      const redis = new Client({ port: server.port, host: '127.0.0.1' })
      redis.on('error', () => {})
      return {
        connect: () => bullmqJobBackend(redis),
        stop: async () => {
          redis.disconnect()
          await server.stop()
        },
      }
    })
  })
}
