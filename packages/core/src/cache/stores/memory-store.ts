import { SluiceError } from '../../shared/errors.ts'
import type { CacheStore, NewEntry, Stamps, StoreState, StoreWatcher } from './cache-store.ts'
import { type MemoryStoreOptions, resolveMemoryStoreOptions } from './memory-store-options.ts'
import { SharedState } from './shared-state.ts'

/** A store in the memory of one process. */
export interface MemoryStore extends CacheStore {
  /** Another handle on the same state, with a separate watcher, as another process would have. */
  fork(): MemoryStore
}

/**
 * A store in the memory of this process: the whole protocol, without other processes. Its calls settle in the
 * same event-loop tick.
 *
 * @throws InvalidOptionError for an unknown option, a wrong type, or a value out of bounds.
 *
 * @example
 * ```ts
 * const store = memoryStore({ maxBytes: 50 * 1024 * 1024 })
 * const opened = await store.open(['main.city#set'])
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  return memoryStoreOn(new SharedState(resolveMemoryStoreOptions(options)))
}

/** A handle on a state that other handles can share. */
export function memoryStoreOn(state: SharedState): MemoryStore {
  return new Handle(state)
}

class Handle implements MemoryStore {
  #watcher: StoreWatcher | undefined
  #unlisten: (() => void) | undefined
  #closed = false

  constructor(private readonly state: SharedState) {}

  get leaseMs(): number {
    return this.state.options.leaseMs
  }

  get maxTtlMs(): number {
    return this.state.options.maxTtlMs
  }

  fork(): MemoryStore {
    return new Handle(this.state)
  }

  async read(tags: readonly string[], key?: string): Promise<StoreState> {
    return this.#open.read(tags, key)
  }

  async open(tags: readonly string[]): Promise<Stamps | undefined> {
    return this.#open.tags.open(tags)
  }

  async begin(tags: readonly string[], token: string): Promise<void> {
    this.#open.tags.begin(tags, token)
  }

  async renew(tags: readonly string[], token: string): Promise<boolean> {
    return this.#open.tags.renew(tags, token)
  }

  async end(tags: readonly string[], token: string): Promise<Stamps | undefined> {
    return this.#open.tags.end(tags, token)
  }

  async set(key: string, entry: NewEntry, keepMs: number): Promise<boolean> {
    return this.#open.set(key, entry, keepMs)
  }

  async delete(keys: readonly string[]): Promise<void> {
    this.#open.delete(keys)
  }

  async clear(): Promise<void> {
    this.#open.clear()
  }

  async claim(key: string, token: string, ms: number): Promise<boolean> {
    return this.#open.claim(key, token, ms)
  }

  async release(key: string, token: string): Promise<void> {
    this.#open.release(key, token)
  }

  watch(watcher: StoreWatcher): () => void {
    this.#watcher = watcher
    this.#unlisten ??= this.#open.tags.listen((tags) => {
      if (tags === undefined) this.#watcher?.lost()
      else this.#watcher?.invalidated(tags)
    })
    return () => {
      if (this.#watcher === watcher) this.#stopWatching()
    }
  }

  async ping(): Promise<void> {
    // Watchers are notified synchronously within each call, so there is nothing to wait for.
    void this.#open
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stopWatching()
  }

  get #open(): SharedState {
    if (this.#closed)
      throw new SluiceError('SLUICE_CLOSED', 'The cache store is closed. Create a new one for each Sluice.')
    return this.state
  }

  #stopWatching(): void {
    this.#unlisten?.()
    this.#unlisten = undefined
    this.#watcher = undefined
  }
}
