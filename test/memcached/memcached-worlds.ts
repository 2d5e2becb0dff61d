import { type MemcachedStore, type MemcachedStoreOptions, memcachedStore } from '@sluice/memcached'
import type { StoreTraits } from '../contracts/cache-store-contract.ts'
import type { StoreWorld } from '../contracts/store-world.ts'
import { runOn } from '../services/memcached-server.ts'
import { randomSuffix } from '../services/service.ts'

/** The server's clock counts seconds. */
export const MEMCACHED_TRAITS: StoreTraits = { tells: false, granularityMs: 1_000 }

export interface MemcachedWorld extends StoreWorld {
  connect(options?: Partial<MemcachedStoreOptions>): MemcachedStore
}

/**
 * Stores in a separate namespace. `lose` empties the whole server.
 *
 * @param state - `host:port`.
 */
export function memcachedWorld(state: string, options: Partial<MemcachedStoreOptions> = {}): MemcachedWorld {
  const namespace = `test-${randomSuffix()}`
  const timing = { leaseMs: 1_000, quarantineMs: 1_000 }
  const [host = '', port] = state.split(':')
  return {
    ...timing,
    connect: (own) => memcachedStore({ state, namespace, ...timing, ...options, ...own }),
    lose: async () => {
      await runOn(host, Number(port), 'flush_all')
    },
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    stop: async () => {},
  }
}
