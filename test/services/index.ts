import { startMariadb } from './mariadb.ts'
import { startMemcached } from './memcached.ts'
import { startPostgres } from './postgres.ts'
import { startRedis } from './redis.ts'
import { type ServiceAddress, ServiceUnavailableError, type TestService } from './service.ts'

export interface Services {
  readonly postgres: ServiceAddress
  readonly mariadb: ServiceAddress
  readonly redis: ServiceAddress
  readonly memcached: ServiceAddress
  /** Ends the started servers and removes databases created in others. */
  stop(): Promise<void>
}

/**
 * Starts all database servers concurrently. A server that is unavailable on this machine is marked as
 * skipped.
 *
 * @throws Error if a service is missing and `CI` is `true`, or if a server that the environment names cannot
 * be used.
 */
export async function startServices(): Promise<Services> {
  const [postgres, mariadb, redis, memcached] = await Promise.allSettled([
    startPostgres(),
    startMariadb(),
    startRedis(),
    startMemcached(),
  ])
  const stop = async () => {
    await Promise.all(
      [postgres, mariadb, redis, memcached].map((result) =>
        result.status === 'fulfilled' ? result.value.stop() : undefined,
      ),
    )
  }
  try {
    return {
      postgres: addressOf('PostgreSQL', postgres),
      mariadb: addressOf('MariaDB', mariadb),
      redis: addressOf('Redis', redis),
      memcached: addressOf('Memcached', memcached),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function addressOf(name: string, result: PromiseSettledResult<TestService>): ServiceAddress {
  if (result.status === 'fulfilled') return { url: result.value.url }
  const { reason } = result
  if (!(reason instanceof ServiceUnavailableError)) throw reason
  if (process.env.CI === 'true')
    throw new Error(`${name} is needed when CI is set: ${reason.message}`, { cause: reason })
  return { skipped: reason.message }
}
