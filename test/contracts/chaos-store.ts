import {
  type CacheStore,
  type NewEntry,
  type Stamps,
  type StoreState,
  StoreUnavailableError,
  type StoreWatcher,
} from '@sluice/core/stores'
import type { Random } from '../support/random.ts'

export interface Chaos {
  /** Probability that a call is rejected and not executed, from 0 to 1. */
  rejected: number
  /** Probability that a call is executed and its reply lost, from 0 to 1. */
  repliesLost: number
  /** Maximum number of event-loop ticks that a call takes in each direction. */
  readonly maxTurns: number
}

/**
 * A store whose calls are delayed or lost, or whose replies are lost. Watchers always receive notifications.
 */
export class ChaosStore implements CacheStore {
  constructor(
    private readonly store: CacheStore,
    private readonly random: Random,
    readonly chaos: Chaos,
  ) {}

  get leaseMs(): number {
    return this.store.leaseMs
  }

  get maxTtlMs(): number {
    return this.store.maxTtlMs
  }

  read(tags: readonly string[], key?: string): Promise<StoreState> {
    return this.#through(() => this.store.read(tags, key))
  }

  open(tags: readonly string[]): Promise<Stamps | undefined> {
    return this.#through(() => this.store.open(tags))
  }

  begin(tags: readonly string[], token: string): Promise<void> {
    return this.#through(() => this.store.begin(tags, token))
  }

  renew(tags: readonly string[], token: string): Promise<boolean> {
    return this.#through(() => this.store.renew(tags, token))
  }

  end(tags: readonly string[], token: string): Promise<Stamps | undefined> {
    return this.#through(() => this.store.end(tags, token))
  }

  set(key: string, entry: NewEntry, keepMs: number): Promise<boolean> {
    return this.#through(() => this.store.set(key, entry, keepMs))
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.#through(() => this.store.delete(keys))
  }

  clear(): Promise<void> {
    return this.#through(() => this.store.clear())
  }

  claim(key: string, token: string, ms: number): Promise<boolean> {
    return this.#through(() => this.store.claim(key, token, ms))
  }

  release(key: string, token: string): Promise<void> {
    return this.#through(() => this.store.release(key, token))
  }

  watch(watcher: StoreWatcher): () => void {
    return this.store.watch(watcher)
  }

  ping(): Promise<void> {
    return this.#through(() => this.store.ping())
  }

  close(): Promise<void> {
    return this.store.close()
  }

  async #through<T>(call: () => Promise<T>): Promise<T> {
    await turns(this.random, this.chaos.maxTurns)
    if (this.random.chance(this.chaos.rejected))
      throw new StoreUnavailableError('Chaos', 'the call was lost.')
    const reply = await call()
    await turns(this.random, this.chaos.maxTurns)
    if (this.random.chance(this.chaos.repliesLost))
      throw new StoreUnavailableError('Chaos', 'the reply was lost.')
    return reply
  }
}

/** Waits for a random number of event-loop ticks, up to a limit. */
export async function turns(random: Random, max: number): Promise<void> {
  for (let left = random.below(max + 1); left > 0; left -= 1)
    await new Promise((resolve) => setImmediate(resolve))
}
