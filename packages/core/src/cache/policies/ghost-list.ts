/**
 * Names and sizes of evicted entries; the oldest are removed first. Names are stored as 30-bit hashes, so two
 * names can collide.
 */
export class GhostList {
  /** Hash to size. A map keeps the insertion order. */
  readonly #sizes = new Map<number, number>()
  /** Continues from one eviction to the next: a new iterator would skip all removed entries again. */
  #oldest: Iterator<number> | undefined
  #bytes = 0

  /** @param maxBytes - Maximum total size that the entries had. */
  constructor(private readonly maxBytes: number) {}

  add(namespace: string, key: string, size: number): void {
    const hash = hashOf(namespace, key)
    this.#remove(hash)
    this.#sizes.set(hash, size)
    this.#bytes += size
    while (this.#bytes > this.maxBytes) this.#removeOldest()
  }

  /** Whether the entry is in the list. Removes it. */
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

/** FNV-1a over namespace and key, folded to the range of a small integer, which needs no heap object. */
function hashOf(namespace: string, key: string): number {
  const hash = addTo(addTo(0x811c9dc5, namespace) ^ 0x3a, key)
  return (hash ^ (hash >>> 30)) & 0x3fffffff
}

function addTo(hash: number, text: string): number {
  let sum = hash
  for (let at = 0; at < text.length; at++) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193)
  return sum
}
