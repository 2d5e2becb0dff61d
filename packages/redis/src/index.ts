export type { EncryptionKey } from './codec/encryption.ts'
export type { RedisStoreCounters } from './guard.ts'
export { type RedisStore, redisStore } from './redis-store.ts'
export type { RedisStoreOptions } from './redis-store-options.ts'
