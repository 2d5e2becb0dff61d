export type { EncryptionKey } from '@sluice/core/stores'
export { type MemcachedStore, type MemcachedStoreCounters, memcachedStore } from './memcached-store.ts'
export type { MemcachedStoreOptions } from './memcached-store-options.ts'
