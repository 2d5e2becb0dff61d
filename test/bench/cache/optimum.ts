/**
 * The maximum number of hits of any policy that caches every requested value: it evicts the value whose next
 * read is furthest away (Belady, 1966).
 */
export function optimalHits(reads: Int32Array, keys: number, capacity: number): number {
  const nextReads = nextReadsOf(reads, keys)
  const isKept = new Uint8Array(keys)
  const queue = new LatestFirst()
  let kept = 0
  let hits = 0
  for (let at = 0; at < reads.length; at += 1) {
    const key = reads[at] as number
    const next = nextReads[at] as number
    if (isKept[key] === 1) hits += 1
    else kept += 1
    isKept[key] = 1
    // A key that is never read again is evicted first.
    if (next === reads.length) {
      isKept[key] = 0
      kept -= 1
      continue
    }
    queue.add(next)
    if (kept <= capacity) continue
    // Past reads are smaller than all future reads in the heap.
    isKept[reads[queue.take()] as number] = 0
    kept -= 1
  }
  return hits
}

/** The next read of each key that is read; the length of the trace if there is none. */
function nextReadsOf(reads: Int32Array, keys: number): Int32Array {
  const next = new Int32Array(keys).fill(reads.length)
  const result = new Int32Array(reads.length)
  for (let at = reads.length - 1; at >= 0; at -= 1) {
    const key = reads[at] as number
    result[at] = next[key] as number
    next[key] = at
  }
  return result
}

/** A binary heap of numbers, the greatest on top. */
class LatestFirst {
  readonly #items: number[] = []

  add(item: number): void {
    let place = this.#items.length
    this.#items.push(item)
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = this.#items[above] as number
      if (parent >= item) break
      this.#items[place] = parent
      place = above
    }
    this.#items[place] = item
  }

  /** The heap must not be empty. */
  take(): number {
    const top = this.#items[0] as number
    const last = this.#items.pop() as number
    const { length } = this.#items
    if (length === 0) return top
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      if (below >= length) break
      if (below + 1 < length && (this.#items[below + 1] as number) > (this.#items[below] as number))
        below += 1
      if ((this.#items[below] as number) <= last) break
      this.#items[place] = this.#items[below] as number
      place = below
    }
    this.#items[place] = last
    return top
  }
}
