export type { EncryptionKey, StoreCounters as RedisStoreCounters } from '@sluice/core/stores'
export { redisStore } from './create-redis-store.ts'
export { type RedisProcessesOptions, redisProcesses } from './processes/redis-processes.ts'
export type { RedisStore } from './redis-store.ts'
export type { RedisStoreOptions } from './redis-store-options.ts'
export {
  type RedisRelay,
  type RedisRelayOptions,
  type RedisRelayStats,
  redisRelay,
} from './regions/redis-relay.ts'
