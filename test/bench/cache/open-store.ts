import { memoryStore } from '@sluice/core'
import type { CacheStore } from '@sluice/core/stores'
import { redisStore } from '@sluice/redis'
import { Redis } from 'ioredis'
import { REDIS_URL } from './services.ts'

const COMMAND_TIMEOUT_MS = 20_000

export interface OpenStore {
  readonly store: CacheStore
  /** Runs after the store's own `close`. */
  end(): void
}

/** A store that accepts entries from the start: in the benchmark's Redis, or in memory if there is none. */
export async function openStore(namespace: string, given?: Redis): Promise<OpenStore> {
  const url = process.env[REDIS_URL]
  if (url === undefined && given === undefined) return { store: memoryStore(), end: () => {} }
  const redis = given ?? new Redis(url ?? '')
  // On a busy machine a reply may take long, and a benchmark that continues without Redis measures something
  // else.
  const store = redisStore(redis, { namespace, commandTimeoutMs: COMMAND_TIMEOUT_MS })
  // A server without state may have lost it: nothing is cached until living writers have had time to declare
  // themselves.
  while ((await store.open(['warm-up'])) === undefined)
    await new Promise((resolve) => setTimeout(resolve, 100))
  return { store, end: () => redis.disconnect() }
}
