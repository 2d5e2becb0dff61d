export {
  type CacheStore,
  type EntryTimes,
  EVERY_TAG,
  type NewEntry,
  type RegionState,
  type Stamps,
  type StoredEntry,
  type StoreState,
  StoreUnavailableError,
  type StoreWatcher,
} from './cache/stores/cache-store.ts'
export type { EncryptionKey, EntryCodec } from './cache/stores/kit/entry-codec.ts'
export { backoffMs, FirstLink, Waiters } from './cache/stores/kit/first-link.ts'
export { Guard, type StoreCounters } from './cache/stores/kit/guard.ts'
export { type BatchReply, ReadBatch } from './cache/stores/kit/read-batch.ts'
export {
  codecOf,
  type ResolvedStoreOptions,
  resolveStoreOptions,
  storeRules,
  timerRule,
} from './cache/stores/kit/store-options.ts'
