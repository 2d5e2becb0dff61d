import { LoadedValue, type StoredValue } from './cache-entry.ts'
import { GhostList, ghostHash } from './policies/ghost-list.ts'

/** One in so many keys is sampled. A power of 2. */
export const SAMPLED_KEYS = 8

/** The record of an evicted entry. */
interface Ghost {
  readonly size: number
  /** As in `StoredValue`. */
  readonly expires: number
  /** How long loading its value took, in milliseconds. */
  readonly loadMs: number
  /** A write since then would have invalidated the value in a larger cache, too. */
  readonly snapshot: LoadedValue['snapshot'] | undefined
}

/**
 * The entries that twice the memory would still contain: those that were evicted last, of one more budget.
 * Only keys with certain hashes are remembered (spatial sampling as in SHARDS, Waldspurger et al., FAST '15),
 * so the list takes 1.5% of the budget for values of 1 KB and 7% for the smallest ones. A hit costs nothing.
 */
export class EvictedSample {
  readonly #ghosts: GhostList<Ghost>
  #hits = 0
  #loadMs = 0

  /**
   * @param maxBytes - The budget of the cache.
   * @param now - Time as in `StoredValue`.
   */
  constructor(
    maxBytes: number,
    private readonly now: () => number,
  ) {
    this.#ghosts = new GhostList<Ghost>(maxBytes / SAMPLED_KEYS, ({ size }) => size)
  }

  /** Misses that twice the memory would have served, estimated for all keys. */
  get hits(): number {
    return this.#hits * SAMPLED_KEYS
  }

  /** Time that loading these values took, in milliseconds, estimated for all keys. */
  get loadMs(): number {
    return this.#loadMs * SAMPLED_KEYS
  }

  evicted(namespace: string, key: string, { value, size, expires }: StoredValue): void {
    const hash = ghostHash(namespace, key)
    if (hash % SAMPLED_KEYS !== 0) return
    const loaded = value instanceof LoadedValue ? value : undefined
    this.#ghosts.add(hash, { size, expires, loadMs: loaded?.costMs ?? 0, snapshot: loaded?.snapshot })
  }

  missed(namespace: string, key: string): void {
    const ghost = this.#take(namespace, key)
    if (ghost === undefined || this.now() >= ghost.expires || ghost.snapshot?.isCurrent === false) return
    this.#hits++
    this.#loadMs += ghost.loadMs
  }

  /** The key was invalidated: a larger cache would not contain it either. */
  forget(namespace: string, key: string): void {
    this.#take(namespace, key)
  }

  /** Keys that cannot be enumerated were invalidated. */
  clear(): void {
    this.#ghosts.clear()
  }

  resize(maxBytes: number): void {
    this.#ghosts.resize(maxBytes / SAMPLED_KEYS)
  }

  #take(namespace: string, key: string): Ghost | undefined {
    return this.#ghosts.isEmpty ? undefined : this.#ghosts.take(ghostHash(namespace, key))
  }
}
