import { findMemcached, startMemcachedServer } from './memcached-server.ts'
import { messageOf, ServiceUnavailableError, type TestService } from './service.ts'

/**
 * A Memcached for tests, as `host:port`: the server in `SLUICE_TEST_MEMCACHED`, or a new server. Only the
 * contract of stores uses it, and empties it; other tests start another.
 *
 * @throws ServiceUnavailableError if no binary starts.
 */
export async function startMemcached(): Promise<TestService> {
  const given = process.env.SLUICE_TEST_MEMCACHED
  if (given !== undefined && given !== '') return { url: given, stop: async () => {} }
  if (findMemcached() === undefined) throw new ServiceUnavailableError('No memcached on PATH or in /usr/bin.')
  try {
    const { address, stop } = await startMemcachedServer()
    return { url: address, stop }
  } catch (error) {
    throw new ServiceUnavailableError(messageOf(error), { cause: error })
  }
}
