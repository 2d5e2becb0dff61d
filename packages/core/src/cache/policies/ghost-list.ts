/** Names and sizes of entries that left, the longest gone first out. Names are kept as 30-bit hashes: two may be taken for one. */
export class GhostList {
  /** Hash to size. A map keeps the order in which they came. */
  readonly #sizes = new Map<number, number>()
  /** Goes on from one eviction to the next: a new iterator would pass all removed ones again. */
  #oldest: Iterator<number> | undefined
  #bytes = 0

  /** @param maxBytes - How much the entries together had taken at most. */
  constructor(private readonly maxBytes: number) {}

  add(namespace: string, key: string, size: number): void {
    const hash = hashOf(namespace, key)
    this.#remove(hash)
    this.#sizes.set(hash, size)
    this.#bytes += size
    while (this.#bytes > this.maxBytes) this.#removeOldest()
  }

  /** Whether the entry is among them; from now on it is not. */
  take(namespace: string, key: string): boolean {
    return this.#sizes.size > 0 && this.#remove(hashOf(namespace, key))
  }

  clear(): void {
    this.#sizes.clear()
    this.#oldest = undefined
    this.#bytes = 0
  }

  #remove(hash: number): boolean {
    const size = this.#sizes.get(hash)
    if (size === undefined) return false
    this.#bytes -= size
    return this.#sizes.delete(hash)
  }

  #removeOldest(): void {
    this.#oldest ??= this.#sizes.keys()
    const { value, done } = this.#oldest.next()
    if (done) this.#oldest = undefined
    else this.#remove(value)
  }
}

/** FNV-1a over namespace and key, folded to what fits a slot without a box. */
function hashOf(namespace: string, key: string): number {
  const hash = addTo(addTo(0x811c9dc5, namespace) ^ 0x3a, key)
  return (hash ^ (hash >>> 30)) & 0x3fffffff
}

function addTo(hash: number, text: string): number {
  let sum = hash
  for (let at = 0; at < text.length; at++) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193)
  return sum
}
