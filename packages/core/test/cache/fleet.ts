import { type CacheOptions, createSluice, type Sluice, type SluiceOptions } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { type CacheStore, StoreUnavailableError, type StoreWatcher } from '@sluice/core/stores'
import { memoryStoreOn, resolveMemoryStoreOptions, SharedState } from '../../src/cache/stores/memory-store.ts'
import { FakeClock, type ReadOptions, read, touching } from '../helpers.ts'

/** Simulated faults of a store, as seen by one process. */
interface Faults {
  /** The calls that fail, by name. */
  readonly failing: Set<keyof CacheStore>
  /** Whether every call fails, as with an unavailable server. */
  isOut: boolean
  /** Whether messages from other processes are lost. */
  isDeaf: boolean
  /** The calls made so far, by name. */
  readonly calls: Map<string, number>
  watcher: StoreWatcher | undefined
}

/** A process of a fleet: its Sluice, and the faults of its connection to the store. */
export interface Process {
  readonly sluice: Sluice
  readonly faults: Faults
  /** Reads the one value of the database through the cache. */
  get(extra?: Partial<ReadOptions>): Promise<{ value: number }>
  /** Writes as an adapter does: announced on the connection. */
  set(value: number, run?: () => Promise<void>): Promise<void>
}

/** Several Sluices that share a store and a database of one value. */
export class Fleet {
  readonly clock = new FakeClock()
  readonly state: SharedState
  readonly database = { value: 1, asked: 0 }
  readonly notifies: false | undefined
  readonly #open: Sluice[] = []

  /** @param notifies - `false`: the store sends no notifications. */
  constructor({ notifies, ...options }: { leaseMs?: number; quarantineMs?: number; notifies?: false } = {}) {
    this.notifies = notifies
    this.state = new SharedState(resolveMemoryStoreOptions({ clock: this.clock, ...options }))
  }

  start(
    cache: Omit<CacheOptions, 'store'> = {},
    others: Pick<SluiceOptions, 'prefetch' | 'clock'> = {},
  ): Process {
    const faults: Faults = {
      failing: new Set(),
      isOut: false,
      isDeaf: false,
      calls: new Map(),
      watcher: undefined,
    }
    const sluice = createSluice({
      mode: 'optimize',
      batch: false,
      prefetch: false,
      clock: this.clock,
      ...others,
      cache: { ttl: 60, ...cache, store: faulty(memoryStoreOn(this.state), faults, this.notifies) },
    })
    this.#open.push(sluice)
    const source = {
      id: 'one',
      orm: 'knex',
      dialect: 'sqlite',
      seesStatements: true,
      sharedName: () => 'database',
    } as const
    const ask = async () => {
      this.database.asked += 1
      return { value: this.database.value }
    }
    return {
      sluice,
      faults,
      get: (extra = {}) =>
        hostOf(sluice).execute(
          read({ source, run: ask, cache: { key: 'q', tables: ['t'] }, ...extra }),
        ) as Promise<{ value: number }>,
      set: async (value, run) => {
        const announced = hostOf(sluice).writes.announce(touching('t'))
        await announced.ready
        this.database.value = value
        await run?.()
        await announced.end('committed')
      },
    }
  }

  async close(): Promise<void> {
    for (const sluice of this.#open) await sluice.close()
  }
}

function faulty(store: CacheStore, faults: Faults, notifies: false | undefined): CacheStore {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'notifies') return notifies
      const value = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name === 'watch') {
        return (watcher: StoreWatcher) => {
          faults.watcher = watcher
          return target.watch({
            invalidated: (tags) => {
              if (!faults.isDeaf) watcher.invalidated(tags)
            },
            lost: () => watcher.lost(),
          })
        }
      }
      return (...args: unknown[]) => {
        faults.calls.set(String(name), (faults.calls.get(String(name)) ?? 0) + 1)
        if (faults.isOut && name !== 'close')
          return Promise.reject(new StoreUnavailableError('The store', 'it is out.'))
        if (faults.failing.has(name as keyof CacheStore))
          return Promise.reject(new Error(`${String(name)} failed`))
        return value.apply(target, args)
      }
    },
  })
}
