import { afterAll, describe } from 'vitest'
import { cacheStoreContract } from '../contracts/cache-store-contract.ts'
import { findMemcached, type MemcachedServer, startMemcachedServer } from '../services/memcached-server.ts'
import { MEMCACHED_TRAITS, memcachedWorld } from './memcached-worlds.ts'

describe.skipIf(findMemcached() === undefined)('separate servers of entries', () => {
  const servers: MemcachedServer[] = []
  afterAll(() => Promise.all(servers.map((server) => server.stop())))
  cacheStoreContract(
    'Memcached',
    async () => {
      for (let count = 0; count < 3; count += 1) servers.push(await startMemcachedServer())
      const [state = '', ...entries] = servers.map(({ address }) => address)
      return memcachedWorld(state, { entries })
    },
    MEMCACHED_TRAITS,
  )
})
