import { type Clock, systemClock } from '../../shared/clock.ts'
import { copyValue, isCopyable } from '../../shared/copy.ts'
import { SluiceError } from '../../shared/errors.ts'
import { checkOptions, option } from '../../shared/options.ts'
import { MAX_TIMER_MS } from '../../shared/timers.ts'
import { CachingStrategyEngine } from '../caching-strategy-engine.ts'
import type { CacheStore, NewEntry, Stamps, StoredEntry, StoreState, StoreWatcher } from './cache-store.ts'
import { TagStates } from './tag-states.ts'

export interface MemoryStoreOptions {
  /**
   * Lease of a writer's intent: how long it is valid after the last renewal, in milliseconds. Minimum: `1`.
   * @defaultValue 30000
   */
  readonly leaseMs?: number
  /**
   * How long nothing becomes cacheable after the store lost its state, in milliseconds. Live writers announce
   * their writes again in this time. Minimum: `0`.
   * @defaultValue 3000
   */
  readonly quarantineMs?: number
  /**
   * Maximum lifetime of an entry, in milliseconds. Minimum: `1`.
   * @defaultValue 86400000 (a day)
   */
  readonly maxTtlMs?: number
  /**
   * Memory budget for entries, in bytes of heap. If it is full, entries that were not read again soon after
   * they were set are evicted. Minimum: `1`.
   * @defaultValue 104857600 (100 MB)
   */
  readonly maxBytes?: number
  /**
   * Time source.
   * @defaultValue the process's clocks
   */
  readonly clock?: Clock
}

export type ResolvedMemoryStoreOptions = Required<MemoryStoreOptions>

const rules = {
  leaseMs: option.integer(1, MAX_TIMER_MS),
  quarantineMs: option.integer(0, MAX_TIMER_MS),
  maxTtlMs: option.integer(1),
  maxBytes: option.integer(1),
  clock: {
    expected: 'a clock with now() and wall()',
    accepts: (value: unknown) =>
      typeof (value as Clock | null)?.now === 'function' && typeof (value as Clock).wall === 'function',
  },
}

/** @throws InvalidOptionError with the name of the option and the expected value. */
export function resolveMemoryStoreOptions(options: MemoryStoreOptions): ResolvedMemoryStoreOptions {
  checkOptions(options, rules)
  return {
    leaseMs: options.leaseMs ?? 30_000,
    quarantineMs: options.quarantineMs ?? 3_000,
    maxTtlMs: options.maxTtlMs ?? 24 * 60 * 60 * 1_000,
    maxBytes: options.maxBytes ?? 100 * 1024 * 1024,
    clock: options.clock ?? systemClock,
  }
}

const ENTRIES = 'entries'
const MAX_CLAIMS = 10_000

interface Claim {
  readonly token: string
  readonly until: number
}

/** State that all handles of one memory store share: entries, claims, and the state of tags. */
export class SharedState {
  readonly tags: TagStates
  readonly #entries: CachingStrategyEngine
  readonly #claims = new Map<string, Claim>()

  constructor(readonly options: ResolvedMemoryStoreOptions) {
    const { leaseMs, quarantineMs, maxTtlMs, maxBytes, clock } = options
    this.tags = new TagStates({ leaseMs, quarantineMs, stampMs: 2 * maxTtlMs, clock })
    this.#entries = new CachingStrategyEngine({ maxBytes, clock })
  }

  read(tags: readonly string[], key: string | undefined): StoreState {
    return {
      epoch: this.tags.epoch,
      stamps: tags.map((tag) => this.tags.stampOf(tag)),
      entry: key === undefined ? undefined : this.#entry(key),
    }
  }

  set(key: string, entry: NewEntry, keepMs: number): boolean {
    const ms = Math.min(keepMs, this.options.maxTtlMs)
    if (!(ms > 0) || !isCopyable(entry.value)) return false
    const { epoch, stamps, tags, times } = entry
    const stored: NewEntry = {
      epoch,
      stamps: [...stamps],
      tags: [...tags],
      times: { ...times },
      value: copyValue(entry.value),
    }
    this.#entries.set(ENTRIES, key, stored, ms / 1_000)
    return this.#entries.get(ENTRIES, key) !== null
  }

  delete(keys: readonly string[]): void {
    for (const key of keys) this.#entries.delete(ENTRIES, key)
  }

  clear(): void {
    this.#entries.clear()
  }

  claim(key: string, token: string, ms: number): boolean {
    const now = this.options.clock.now()
    const held = this.#claims.get(key)
    if (held !== undefined && now < held.until) return false
    if (this.#claims.size >= MAX_CLAIMS) this.#pruneClaims(now)
    this.#claims.set(key, { token, until: now + ms })
    return true
  }

  release(key: string, token: string): void {
    if (this.#claims.get(key)?.token === token) this.#claims.delete(key)
  }

  /** Removes everything, like a server that was emptied. */
  lose(): void {
    this.#entries.clear()
    this.#claims.clear()
    this.tags.lose()
  }

  #entry(key: string): StoredEntry | undefined {
    const stored = this.#entries.get<NewEntry>(ENTRIES, key)
    if (stored === null) return undefined
    const { value, ...rest } = stored
    return { ...rest, value: () => copyValue(value) }
  }

  #pruneClaims(now: number): void {
    for (const [key, { until }] of this.#claims) if (now >= until) this.#claims.delete(key)
  }
}

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
