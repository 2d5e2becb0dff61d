import { describe, inject } from 'vitest'
import { cacheStoreContract } from '../contracts/cache-store-contract.ts'
import { MEMCACHED_TRAITS, memcachedWorld } from './memcached-worlds.ts'

const shared = inject('services').memcached

describe.skipIf('skipped' in shared)('one server', () => {
  cacheStoreContract(
    'Memcached',
    async () => memcachedWorld('url' in shared ? shared.url : ''),
    MEMCACHED_TRAITS,
  )
})
