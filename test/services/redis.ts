import { findRedisServer, startRedisServer } from './redis-server.ts'
import { messageOf, ServiceUnavailableError, type TestService } from './service.ts'

/**
 * A Redis for tests: the server in `SLUICE_TEST_REDIS_URL`, or a new server. Tests share it, and each uses a
 * separate namespace; tests that disrupt their server start another.
 *
 * @throws ServiceUnavailableError if no binary starts.
 */
export async function startRedis(): Promise<TestService> {
  const given = process.env.SLUICE_TEST_REDIS_URL
  if (given !== undefined && given !== '') return { url: given, stop: async () => {} }
  if (findRedisServer() === undefined)
    throw new ServiceUnavailableError('No redis-server on PATH or in /usr/bin.')
  try {
    return await startRedisServer()
  } catch (error) {
    throw new ServiceUnavailableError(messageOf(error), { cause: error })
  }
}
