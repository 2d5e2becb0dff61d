import { describe } from 'vitest'
import { crashContract } from '../contracts/jobs/crash-contract.ts'
import { findRedisServer } from '../services/redis-server.ts'
import { bullmqWorld } from './job-worlds.ts'

describe.skipIf(findRedisServer() === undefined)('with real processes', () => {
  crashContract('BullMQ', () => bullmqWorld('ioredis 6'))
})
