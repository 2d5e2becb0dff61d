import { SluiceError } from '../../shared/errors.ts'
import { cluster } from '../../shared/late-modules.ts'
import { checkOptions, type OptionRule, option } from '../../shared/options.ts'
import { MAX_TIMER_MS } from '../../shared/timers.ts'
import {
  type CacheStore,
  EVERY_TAG,
  type NewEntry,
  type Stamps,
  type StoredEntry,
  type StoreState,
  type StoreWatcher,
} from './cache-store.ts'
import { ClusterCaller, type ClusterPort, valueFromText, valueToText } from './cluster-channel.ts'

/** Validation rule and default of the name of a store in a `node:cluster`. */
export const clusterNamespace: { readonly fallback: string; readonly rule: OptionRule } = {
  fallback: 'sluice',
  rule: {
    expected: 'a string of 1 to 64 characters',
    accepts: (value) => typeof value === 'string' && value.length > 0 && value.length <= 64,
  },
}

export interface ClusterStoreOptions {
  /**
   * Name of the store, if there are several. 1 to 64 characters.
   * @defaultValue 'sluice'
   */
  readonly namespace?: string
  /**
   * Timeout of calls to the primary process, in milliseconds. Minimum: `1`.
   * @defaultValue 500
   */
  readonly timeoutMs?: number
  /**
   * Must be the value of `serveClusterStore`, in milliseconds. A different one is rejected.
   * @defaultValue 30000
   */
  readonly leaseMs?: number
  /**
   * Must be the value of `serveClusterStore`, in milliseconds. A different one is rejected.
   * @defaultValue 86400000 (a day)
   */
  readonly maxTtlMs?: number
}

type ResolvedClusterStoreOptions = Required<ClusterStoreOptions>

const rules = {
  namespace: clusterNamespace.rule,
  timeoutMs: option.integer(1, MAX_TIMER_MS),
  leaseMs: option.integer(1, MAX_TIMER_MS),
  maxTtlMs: option.integer(1),
}

/** @throws InvalidOptionError with the name of the option and the expected value. */
export function resolveClusterStoreOptions(options: ClusterStoreOptions): ResolvedClusterStoreOptions {
  checkOptions(options, rules)
  return {
    namespace: options.namespace ?? clusterNamespace.fallback,
    timeoutMs: options.timeoutMs ?? 500,
    leaseMs: options.leaseMs ?? 30_000,
    maxTtlMs: options.maxTtlMs ?? 24 * 60 * 60 * 1_000,
  }
}

/**
 * A store for the workers of one `node:cluster`, without a server: the primary process stores the shared
 * state, after it has called `serveClusterStore`. Failures are reported as `StoreUnavailableError`s.
 *
 * @throws InvalidOptionError for an unknown option, a wrong type, or a value out of bounds; SluiceError in a
 * process that is not a worker.
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
  if (!cluster().isWorker)
    throw new SluiceError(
      'SLUICE_INVALID_ARGUMENT',
      'clusterStore was called outside a worker of node:cluster. Call it where cluster.isWorker is true.',
    )
  return clusterStoreOn(process as unknown as ClusterPort, resolved)
}

/** A store over any channel to a `ClusterService`. */
export function clusterStoreOn(port: ClusterPort, options: ResolvedClusterStoreOptions): CacheStore {
  return new ClusterStore(port, options)
}

/** `undefined` becomes `null` in JSON. */
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
  /** Whether the primary process notifies this process of invalidations. */
  #isWatched = false
  #greeting: Promise<unknown> | undefined

  constructor(port: ClusterPort, { namespace, timeoutMs, leaseMs, maxTtlMs }: ResolvedClusterStoreOptions) {
    this.leaseMs = leaseMs
    this.maxTtlMs = maxTtlMs
    this.#caller = new ClusterCaller(port, namespace, timeoutMs, (tags) => this.#invalidated(tags))
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
    return (await this.#call(
      'set',
      key,
      { ...entry, value: text },
      Math.min(keepMs, this.maxTtlMs),
    )) as boolean
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
    this.#isWatched = false
    // The next ping retries it.
    this.#startWatching(watcher).catch(() => {})
    return () => {
      if (this.#watcher !== watcher) return
      this.#watcher = undefined
      this.#call('unwatch').catch(() => {})
    }
  }

  async ping(): Promise<void> {
    if (this.#watcher !== undefined && !this.#isWatched) await this.#startWatching(this.#watcher)
    await this.#call('ping')
  }

  async close(): Promise<void> {
    if (this.#watcher !== undefined) await this.#call('unwatch').catch(() => {})
    this.#watcher = undefined
    this.#caller.close()
  }

  /** The first call compares the times that both processes were configured with. */
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
    if (this.#watcher !== watcher || this.#isWatched) return
    this.#isWatched = true
    // Invalidations from before the primary process watched for this process were missed.
    watcher.lost()
  }

  #invalidated(tags: readonly string[] | undefined): void {
    if (tags === undefined || tags.includes(EVERY_TAG)) this.#watcher?.lost()
    else this.#watcher?.invalidated(tags)
  }
}
