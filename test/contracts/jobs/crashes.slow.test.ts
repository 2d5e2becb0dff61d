import { describe } from 'vitest'
import { bullmqWorld } from '../../redis/job-worlds.ts'
import { findRedisServer } from '../../services/redis-server.ts'
import { crashContract } from './crash-contract.ts'
import { freshPostgresWorld, postgres } from './fresh-postgres-world.ts'
import { sqliteWorld } from './sqlite-world.ts'

describe('with real processes', () => {
  crashContract('sqlite', sqliteWorld)
})

describe.skipIf(postgres?.skipped !== undefined)('with real processes on PostgreSQL', () => {
  crashContract('postgres', freshPostgresWorld)
})

describe.skipIf(findRedisServer() === undefined)('with real processes on Redis', () => {
  crashContract('BullMQ', () => bullmqWorld('ioredis 6'))
})
