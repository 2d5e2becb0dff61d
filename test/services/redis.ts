import { findRedisServer, startRedisServer } from './redis-server.ts'
import { messageOf, ServiceUnavailableError, type TestService } from './service.ts'

/**
 * A Redis for tests: the server that `SLUICE_TEST_REDIS_URL` names, else one of our own. Tests share it, and keep to namespaces of their own;
 * those that harm their server start another.
 *
 * @throws ServiceUnavailableError when there is no binary that starts.
 */
export async function startRedis(): Promise<TestService> {
  const given = process.env.SLUICE_TEST_REDIS_URL
  if (given !== undefined && given !== '') return { url: given, stop: async () => {} }
  if (findRedisServer() === undefined) throw new ServiceUnavailableError('No redis-server on PATH or in /usr/bin.')
  try {
    return await startRedisServer()
  } catch (error) {
    throw new ServiceUnavailableError(messageOf(error), { cause: error })
  }
}
