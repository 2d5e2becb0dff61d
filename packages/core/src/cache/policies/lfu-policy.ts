import type { CacheKey, StoredValue } from '../cache-entry.ts'
import type { EvictionPolicy } from './eviction-policy.ts'
import { LinkedEntry, LinkedList } from './linked-list.ts'

/**
 * Maximum frequency. A higher one would retain formerly popular entries longer than they are worth; values
 * from 8 to 64 perform about equally well.
 */
const MAX_FREQUENCY = 31
/**
 * Ages wrap around. All that are in use are within `MAX_FREQUENCY` of each other, so no two of them share a
 * remainder.
 */
const RING = MAX_FREQUENCY + 1
const FREQUENCY_SHIFT = 5

/**
 * Evicts the least frequently read entry, with dynamic aging (LFU-DA, Arlitt et al., 2000). An entry's
 * priority is its number of reads plus the cache's age at its last read, and the age is the priority of the
 * last evicted entry. Formerly popular entries that are no longer read are therefore evicted eventually.
 * Entries of equal priority are evicted in the order of their last reads.
 */
export class LfuPolicy implements EvictionPolicy<LinkedEntry> {
  readonly entryBytes = 160
  /** By priority, modulo the ring. */
  readonly #lists: readonly LinkedList[] = Array.from({ length: RING }, () => new LinkedList())
  #size = 0
  /** Modulo the ring. */
  #age = 0

  victim(): CacheKey {
    if (this.#size === 0) throw new RangeError('nothing can be evicted')
    let first = this.#list(this.#age).first
    while (first === undefined) {
      this.#age = (this.#age + 1) % RING
      first = this.#list(this.#age).first
    }
    return first
  }

  admit(
    namespace: string,
    key: string,
    entry: StoredValue,
    predecessor: LinkedEntry | undefined,
  ): LinkedEntry {
    const ranked = new LinkedEntry(namespace, key, entry, 0)
    this.#place(ranked, predecessor === undefined ? 1 : predecessor.rank >> FREQUENCY_SHIFT)
    this.#size++
    return ranked
  }

  wasRead(entry: LinkedEntry): void {
    this.#list(entry.rank).remove(entry)
    this.#place(entry, Math.min((entry.rank >> FREQUENCY_SHIFT) + 1, MAX_FREQUENCY))
  }

  forget(entry: LinkedEntry): void {
    this.#list(entry.rank).remove(entry)
    this.#size--
  }

  #place(entry: LinkedEntry, frequency: number): void {
    entry.rank = (frequency << FREQUENCY_SHIFT) | ((this.#age + frequency) % RING)
    this.#list(entry.rank).push(entry)
  }

  #list(rank: number): LinkedList {
    return this.#lists[rank % RING] as LinkedList
  }
}
