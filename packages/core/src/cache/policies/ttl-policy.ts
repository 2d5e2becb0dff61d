import { type HeapItem, PlacedHeap } from '../../shared/heap.ts'
import type { CacheKey, StoredValue } from '../cache-entry.ts'
import { type EvictionPolicy, RankedEntry } from './eviction-policy.ts'

class TimedEntry extends RankedEntry implements HeapItem {
  place = 0

  constructor(
    namespace: string,
    key: string,
    entry: StoredValue,
    readonly order: number,
  ) {
    super(namespace, key, entry)
  }
}

/**
 * Evicts the entry that expires soonest; if several expire in the same millisecond, the one that was set
 * first. Reads do not change the order. Suitable if times to live express the value of entries, and
 * unsuitable if all are equal. Setting and removing take O(log n).
 */
export class TtlPolicy implements EvictionPolicy<TimedEntry> {
  readonly entryBytes = 160
  readonly #queue = new PlacedHeap<TimedEntry>((first, second) =>
    first.expires === second.expires ? first.order < second.order : first.expires < second.expires,
  )
  #order = 0

  victim(): CacheKey {
    const least = this.#queue.peek()
    if (least === undefined) throw new RangeError('nothing can be evicted')
    return least
  }

  admit(namespace: string, key: string, entry: StoredValue): TimedEntry {
    const timed = new TimedEntry(namespace, key, entry, this.#order++)
    this.#queue.add(timed)
    return timed
  }

  wasRead(): void {}

  forget(entry: TimedEntry): void {
    this.#queue.remove(entry)
  }
}
