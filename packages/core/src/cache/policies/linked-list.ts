import type { StoredValue } from '../cache-entry.ts'
import { RankedEntry } from './eviction-policy.ts'

/** An entry that is in one list at a time. */
export class LinkedEntry extends RankedEntry {
  previous: LinkedEntry | undefined = undefined
  next: LinkedEntry | undefined = undefined

  constructor(
    namespace: string,
    key: string,
    entry: StoredValue,
    /** A small integer in which the policy stores the state of the entry. */
    public rank: number,
  ) {
    super(namespace, key, entry)
  }
}

/**
 * Entries in the order in which they were pushed. The links are in the entries, so each operation takes O(1)
 * and no memory.
 */
export class LinkedList {
  first: LinkedEntry | undefined = undefined
  last: LinkedEntry | undefined = undefined
  /** Total size of all entries. */
  bytes = 0

  push(entry: LinkedEntry): void {
    entry.previous = this.last
    entry.next = undefined
    if (this.last === undefined) this.first = entry
    else this.last.next = entry
    this.last = entry
    this.bytes += entry.size
  }

  /** Removes an entry of this list. */
  remove(entry: LinkedEntry): void {
    const { previous, next } = entry
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.last = previous
    else next.previous = previous
    this.bytes -= entry.size
    // A removed entry that is still referenced must not retain its former neighbors.
    entry.previous = undefined
    entry.next = undefined
  }
}
