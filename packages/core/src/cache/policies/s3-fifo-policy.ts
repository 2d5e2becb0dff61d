import type { CacheKey, StoredValue } from '../cache-entry.ts'
import type { EvictionPolicy } from './eviction-policy.ts'
import { GhostList, ghostHash } from './ghost-list.ts'
import { LinkedEntry, LinkedList } from './linked-list.ts'

/** Share of the budget for entries on probation. */
const SMALL_SHARE = 0.1
/** A rank contains the number of recent reads, up to this, and whether the entry is in the main queue. */
const MAX_READS = 3
const IN_MAIN = 4
/** Number of reads on probation that move an entry to the main queue. */
const PROMOTING_READS = 2

/**
 * S3-FIFO (Yang et al., SOSP '23). New entries wait in a small queue. Entries that are read fewer than 2
 * times there are evicted soon, and do not displace the others. Entries that are read more often move to the
 * main queue, where each read, up to 3, is worth another round. An entry that is set again soon after its
 * eviction goes directly to the main queue. A read only increases a counter: no entry moves.
 */
export class S3FifoPolicy implements EvictionPolicy<LinkedEntry> {
  readonly entryBytes = 184
  readonly #small = new LinkedList()
  readonly #main = new LinkedList()
  /** The sizes of entries that were evicted on probation. */
  readonly #ghosts = new GhostList<number>(0, (size) => size)
  #maxSmallBytes = 0

  /** @param maxBytes - The whole budget. */
  constructor(maxBytes: number) {
    this.resize(maxBytes)
  }

  resize(maxBytes: number): void {
    this.#maxSmallBytes = maxBytes * SMALL_SHARE
    this.#ghosts.resize(maxBytes - this.#maxSmallBytes)
  }

  victim(): CacheKey {
    for (;;) {
      const candidate = this.#isSmallNext() ? this.#victimOfSmall() : this.#victimOfMain()
      if (candidate !== undefined) return candidate
    }
  }

  admit(
    namespace: string,
    key: string,
    entry: StoredValue,
    predecessor: LinkedEntry | undefined,
  ): LinkedEntry {
    const rank = predecessor?.rank ?? (this.#wasEvicted(namespace, key) ? IN_MAIN : 0)
    const ranked = new LinkedEntry(namespace, key, entry, rank)
    this.#queueOf(ranked).push(ranked)
    return ranked
  }

  wasRead(entry: LinkedEntry): void {
    if ((entry.rank & MAX_READS) < MAX_READS) entry.rank++
  }

  forget(entry: LinkedEntry): void {
    this.#queueOf(entry).remove(entry)
    if (this.#small.first === undefined && this.#main.first === undefined) this.#ghosts.clear()
  }

  #wasEvicted(namespace: string, key: string): boolean {
    return !this.#ghosts.isEmpty && this.#ghosts.take(ghostHash(namespace, key)) !== undefined
  }

  #isSmallNext(): boolean {
    return (
      this.#main.first === undefined ||
      (this.#small.first !== undefined && this.#small.bytes >= this.#maxSmallBytes)
    )
  }

  #victimOfSmall(): LinkedEntry | undefined {
    const oldest = this.#small.first
    if (oldest === undefined) throw new RangeError('nothing can be evicted')
    if (oldest.rank < PROMOTING_READS) {
      this.#ghosts.add(ghostHash(oldest.namespace, oldest.key), oldest.size)
      return oldest
    }
    this.#small.remove(oldest)
    oldest.rank = IN_MAIN
    this.#main.push(oldest)
    return undefined
  }

  #victimOfMain(): LinkedEntry | undefined {
    const oldest = this.#main.first
    if (oldest === undefined || oldest.rank === IN_MAIN) return oldest
    oldest.rank--
    this.#main.remove(oldest)
    this.#main.push(oldest)
    return undefined
  }

  #queueOf(entry: LinkedEntry): LinkedList {
    return entry.rank >= IN_MAIN ? this.#main : this.#small
  }
}
