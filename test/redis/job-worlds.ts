import type { JobBackend } from '@sluice/core/jobs'
import { type BullmqJobBackendOptions, bullmqJobBackend } from '@sluice/redis/bullmq'
import type { Redis } from 'ioredis'
import type { CrashWorld } from '../contracts/jobs/crash-world.ts'
import { startRedisServer } from '../services/redis-server.ts'
import { clients } from './redis-worlds.ts'

/** A backend, and the instance with its connection options, which sends no commands itself. */
export function jobBackendOn(
  client: string,
  port: number,
  options: BullmqJobBackendOptions = {},
): JobBackend {
  return bullmqJobBackend(redisOn(client, port), options)
}

export function redisOn(client: string, port: number): Redis {
  const Client = clients[client]
  if (Client === undefined) throw new Error(`There is no client "${client}".`)
  return new Client({ port, host: '127.0.0.1', lazyConnect: true })
}

/** For processes that are killed. */
export function connect(client: string, port: string): JobBackend {
  return jobBackendOn(client, Number(port))
}

/** A separate Redis. */
export async function bullmqWorld(client: string): Promise<CrashWorld> {
  const server = await startRedisServer()
  return {
    connect: () => jobBackendOn(client, server.port),
    child: { module: import.meta.url, args: [client, String(server.port)] },
    stop: () => server.stop(),
  }
}
