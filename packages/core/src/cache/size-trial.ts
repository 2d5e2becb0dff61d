import type { Clock } from '../shared/clock.ts'
import { type CacheKey, type CacheWatch, LoadedValue, type StoredValue } from './cache-entry.ts'
import { CachingStrategyEngine } from './caching-strategy-engine.ts'
import { estimateBytes, Sized } from './estimate-bytes.ts'
import { SAMPLED_KEYS } from './evicted-sample.ts'
import type { EvictionPolicyName } from './policies/create-policy.ts'
import { ghostHash } from './policies/ghost-list.ts'

/** A different sample from the ghost hits: the effect is checked on keys that did not predict it. */
const REMAINDER = 1
/** 99% of the differences that are due to chance are within this many standard errors. */
const MARGIN = 2.58

export interface SizeTrialOptions {
  /** The size to compare with, in bytes. */
  readonly maxBytes: number
  readonly maxEntryShare: number
  readonly policy: EvictionPolicyName
  readonly clock: Clock
}

/** Both sizes on the same reads. */
export interface SizeComparison {
  /** Sampled reads. */
  readonly reads: number
  /** Hits per read of the cache, and of one of the other size, 0–1. */
  readonly hitRate: number
  readonly otherHitRate: number
  /** How far the difference of the two can be due to chance. */
  readonly margin: number
}

/** An entry of a certain size, without its value. */
class Weight extends Sized {
  constructor(override readonly bytes: number) {
    super()
  }
}

/**
 * Compares a cache with one of a different size, on the same requests: before and after, these can differ.
 * For 1 in 8 keys, a miniature with an eighth of the other size, and with the same policy, processes the same
 * requests (miniature simulation, Waldspurger et al., USENIX ATC '17).
 */
export class SizeTrial implements CacheWatch {
  readonly #miniature: CachingStrategyEngine
  /** Bytes of an entry besides its key and value. */
  readonly #overhead: number
  #reads = 0
  #hits = 0
  #gained = 0
  #lost = 0

  constructor({ maxBytes, maxEntryShare, policy, clock }: SizeTrialOptions) {
    this.#miniature = new CachingStrategyEngine({
      maxBytes: Math.max(1, Math.round(maxBytes / SAMPLED_KEYS)),
      maxEntryShare: Math.min(1, maxEntryShare * SAMPLED_KEYS),
      policy,
      clock,
    })
    this.#overhead = this.#miniature.set('n', '', new Weight(0)).size - estimateBytes('')
    this.#miniature.clear()
  }

  read(namespace: string, key: string, stored: StoredValue | undefined, now: number): void {
    if (!isSampled(namespace, key)) return
    // A value that a write has invalidated is loaded again with any size.
    if (stored?.value instanceof LoadedValue && !stored.value.snapshot.isCurrent) return
    const wasHit = this.#miniature.get(namespace, key) !== null
    this.#reads++
    if (stored === undefined) {
      if (wasHit) this.#lost++
      return
    }
    this.#hits++
    if (wasHit) return
    this.#gained++
    this.set(namespace, key, stored, now)
  }

  set(namespace: string, key: string, { size, expires }: StoredValue, now: number): void {
    if (expires <= now || !isSampled(namespace, key)) return
    const bytes = Math.max(0, size - this.#overhead - estimateBytes(key))
    this.#miniature.set(namespace, key, new Weight(bytes), (expires - now) / 1_000)
  }

  invalidated(target: CacheKey | string): void {
    if (typeof target === 'string') this.#miniature.invalidateByPattern(target)
    else this.#miniature.delete(target.namespace, target.key)
  }

  clear(namespace: string | undefined): void {
    this.#miniature.clear(namespace)
  }

  /** Counts from now on: until then, one of the two had to fill. */
  restart(): void {
    this.#reads = 0
    this.#hits = 0
    this.#gained = 0
    this.#lost = 0
  }

  get comparison(): SizeComparison {
    const reads = Math.max(1, this.#reads)
    return {
      reads: this.#reads,
      hitRate: this.#hits / reads,
      otherHitRate: (this.#hits - this.#gained + this.#lost) / reads,
      margin: (MARGIN * Math.sqrt(this.#gained + this.#lost)) / reads,
    }
  }

  close(): void {
    this.#miniature.close()
  }
}

function isSampled(namespace: string, key: string): boolean {
  return ghostHash(namespace, key) % SAMPLED_KEYS === REMAINDER
}
