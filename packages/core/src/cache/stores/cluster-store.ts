import cluster from 'node:cluster'
import { SluiceError } from '../../shared/errors.ts'
import {
  type CacheStore,
  EVERY_TAG,
  type NewEntry,
  type Stamps,
  type StoredEntry,
  type StoreState,
  type StoreWatcher,
} from './cache-store.ts'
import { ClusterCaller, type ClusterPort } from './cluster-caller.ts'
import { type ClusterStoreOptions, type ResolvedClusterStoreOptions, resolveClusterStoreOptions } from './cluster-store-options.ts'
import { valueFromText, valueToText } from './cluster-value.ts'

export type { ClusterStoreOptions }

/**
 * A store for the workers of one `node:cluster`, without a server: the primary process keeps what they share, after it has called
 * `serveClusterStore`. Its failures are `StoreUnavailableError`s.
 *
 * @throws InvalidOptionError when an option is unknown, of the wrong type, or out of its bounds; SluiceError in a process that is no worker.
 *
 * @example
 * ```ts
 * if (cluster.isPrimary) {
 *   serveClusterStore()
 *   for (let worker = 0; worker < 4; worker += 1) cluster.fork()
 * } else {
 *   const store = clusterStore()
 * }
 * ```
 */
export function clusterStore(options: ClusterStoreOptions = {}): CacheStore {
  const resolved = resolveClusterStoreOptions(options)
  if (!cluster.isWorker) throw new SluiceError('SLUICE_INVALID_ARGUMENT', 'clusterStore belongs into a worker of node:cluster.')
  return clusterStoreOn(process as unknown as ClusterPort, resolved)
}

/** A store over any channel to a `ClusterService`. */
export function clusterStoreOn(port: ClusterPort, options: ResolvedClusterStoreOptions): CacheStore {
  return new ClusterStore(port, options)
}

/** `undefined` becomes `null` on the way through JSON. */
interface SentState {
  readonly epoch?: string | null
  readonly stamps: readonly (string | null | undefined)[]
  readonly entry?: (Omit<StoredEntry, 'value'> & { readonly value: string }) | null
}

class ClusterStore implements CacheStore {
  readonly leaseMs: number
  readonly maxTtlMs: number
  readonly #caller: ClusterCaller
  #watcher: StoreWatcher | undefined
  /** The primary tells this process what it tells its watchers. */
  #isHeard = false
  #greeting: Promise<unknown> | undefined

  constructor(port: ClusterPort, { namespace, timeoutMs, leaseMs, maxTtlMs }: ResolvedClusterStoreOptions) {
    this.leaseMs = leaseMs
    this.maxTtlMs = maxTtlMs
    this.#caller = new ClusterCaller(port, namespace, timeoutMs, (tags) => this.#told(tags))
  }

  async read(tags: readonly string[], key?: string): Promise<StoreState> {
    const { epoch, stamps, entry } = (await this.#call('read', tags, key)) as SentState
    return {
      epoch: epoch ?? undefined,
      stamps: stamps.map((stamp) => stamp ?? undefined),
      entry: entry ? { ...entry, value: (types) => valueFromText(entry.value, types) } : undefined,
    }
  }

  async open(tags: readonly string[]): Promise<Stamps | undefined> {
    return ((await this.#call('open', tags)) as Stamps | null) ?? undefined
  }

  async begin(tags: readonly string[], token: string): Promise<void> {
    await this.#call('begin', tags, token)
  }

  async renew(tags: readonly string[], token: string): Promise<boolean> {
    return (await this.#call('renew', tags, token)) as boolean
  }

  async end(tags: readonly string[], token: string): Promise<Stamps | undefined> {
    return ((await this.#call('end', tags, token)) as Stamps | null) ?? undefined
  }

  async set(key: string, entry: NewEntry, keepMs: number): Promise<boolean> {
    this.#caller.check()
    const text = keepMs > 0 ? valueToText(entry.value) : undefined
    if (text === undefined) return false
    return (await this.#call('set', key, { ...entry, value: text }, Math.min(keepMs, this.maxTtlMs))) as boolean
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.#call('delete', keys)
  }

  async clear(): Promise<void> {
    await this.#call('clear')
  }

  async claim(key: string, token: string, ms: number): Promise<boolean> {
    return (await this.#call('claim', key, token, ms)) as boolean
  }

  async release(key: string, token: string): Promise<void> {
    await this.#call('release', key, token)
  }

  watch(watcher: StoreWatcher): () => void {
    this.#caller.check()
    this.#watcher = watcher
    this.#isHeard = false
    // Tried again by the next ping.
    this.#startWatching(watcher).catch(() => {})
    return () => {
      if (this.#watcher !== watcher) return
      this.#watcher = undefined
      this.#call('unwatch').catch(() => {})
    }
  }

  async ping(): Promise<void> {
    if (this.#watcher !== undefined && !this.#isHeard) await this.#startWatching(this.#watcher)
    await this.#call('ping')
  }

  async close(): Promise<void> {
    if (this.#watcher !== undefined) await this.#call('unwatch').catch(() => {})
    this.#watcher = undefined
    this.#caller.close()
  }

  /** The first call compares the times that both processes were given. */
  async #call(...call: Parameters<ClusterCaller['call']>): Promise<unknown> {
    this.#caller.check()
    this.#greeting ??= this.#caller.call('hello', this.leaseMs, this.maxTtlMs)
    const answer = this.#caller.call(...call)
    try {
      const [, value] = await Promise.all([this.#greeting, answer])
      return value
    } catch (error) {
      this.#greeting = undefined
      throw error
    }
  }

  async #startWatching(watcher: StoreWatcher): Promise<void> {
    await this.#call('watch')
    if (this.#watcher !== watcher || this.#isHeard) return
    this.#isHeard = true
    // What was told before the primary watched for this process was missed.
    watcher.lost()
  }

  #told(tags: readonly string[] | undefined): void {
    if (tags === undefined || tags.includes(EVERY_TAG)) this.#watcher?.lost()
    else this.#watcher?.invalidated(tags)
  }
}
