import type {
  NewEntry,
  RegionState,
  Stamps,
  StoreCounters,
  StoreState,
  StoreWatcher,
} from '@sluice/core/stores'
import type { RedisStore, Store } from '../redis-store.ts'
import { type ReadConfirmation, readConfirmations, regionError } from './confirmation.ts'

/**
 * A store whose writes are also announced in the Redis of other regions, before they take effect. Writes of
 * the other regions arrive through relays, up to a bound, and the store is empty while a relay does not
 * confirm that it keeps the bound.
 */
export class RegionalStore implements RedisStore {
  readonly #regions: readonly string[]
  #confirmations: readonly ReadConfirmation[] = []
  /** When they were requested, in monotonic milliseconds. */
  #readAt = Number.NEGATIVE_INFINITY
  /** Until then, the last answered ping shows that every write is known, except those within the bound. */
  #freshUntil = Number.NEGATIVE_INFINITY

  constructor(
    private readonly local: Store,
    private readonly remotes: ReadonlyMap<string, Store>,
  ) {
    this.#regions = [...remotes.keys()]
  }

  get leaseMs(): number {
    return this.local.leaseMs
  }

  get maxTtlMs(): number {
    return this.local.maxTtlMs
  }

  state(): 'up' | 'down' {
    return this.local.state()
  }

  counters(): StoreCounters {
    return this.local.counters()
  }

  regions(): readonly RegionState[] {
    const sinceMs = performance.now() - this.#readAt
    return this.#regions.map((region, at) => {
      const { ageMs, remainingMs = 0, confirmation } = this.#confirmations[at] ?? {}
      return {
        region,
        state: this.remotes.get(region)?.state() ?? 'down',
        isFresh: remainingMs > sinceMs,
        ageMs: ageMs === undefined ? undefined : ageMs + sinceMs,
        maxLagMs: confirmation?.maxLagMs,
        lagP50Ms: confirmation?.lagP50Ms,
        lagP99Ms: confirmation?.lagP99Ms,
      }
    })
  }

  isFresh(): boolean {
    return performance.now() < this.#freshUntil
  }

  read(tags: readonly string[], key?: string): Promise<StoreState> {
    return this.local.read(tags, key)
  }

  open(tags: readonly string[]): Promise<Stamps | undefined> {
    return this.local.open(tags)
  }

  async begin(tags: readonly string[], token: string): Promise<void> {
    await this.#everywhere((store) => store.begin(tags, token))
  }

  async renew(tags: readonly string[], token: string): Promise<boolean> {
    const held = await this.#everywhere((store) => store.renew(tags, token))
    return !held.includes(false)
  }

  async end(tags: readonly string[], token: string): Promise<Stamps | undefined> {
    const [stamps] = await this.#everywhere((store) => store.end(tags, token))
    return stamps
  }

  set(key: string, entry: NewEntry, keepMs: number): Promise<boolean> {
    return this.local.set(key, entry, keepMs)
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.local.delete(keys)
  }

  clear(): Promise<void> {
    return this.local.clear()
  }

  claim(key: string, token: string, ms: number): Promise<boolean> {
    return this.local.claim(key, token, ms)
  }

  release(key: string, token: string): Promise<void> {
    return this.local.release(key, token)
  }

  watch(watcher: StoreWatcher): () => void {
    return this.local.watch(watcher)
  }

  async ping(): Promise<void> {
    const sentAt = performance.now()
    const confirmations = await this.local.run((client, keys) =>
      readConfirmations(client, keys, this.#regions),
    )
    this.#confirmations = confirmations
    this.#readAt = sentAt
    // A relay publishes a write before it confirms it, so the reply to a ping that is sent now follows it.
    await this.local.ping()
    const remainingMs = Math.min(...confirmations.map((one) => one.remainingMs))
    this.#freshUntil = Math.max(this.#freshUntil, sentAt + remainingMs)
  }

  async close(): Promise<void> {
    await Promise.all([this.local, ...this.remotes.values()].map((store) => store.close()))
  }

  /**
   * Runs an operation in this region and in all others.
   *
   * @returns The results, that of this region first.
   */
  #everywhere<T>(run: (store: Store) => Promise<T>): Promise<T[]> {
    const others = [...this.remotes].map(([region, store]) =>
      run(store).catch((error: unknown) => {
        throw regionError(region, error)
      }),
    )
    return Promise.all([run(this.local), ...others])
  }
}
