/**
 * Records of evicted entries; the oldest are removed first. Names are stored as 30-bit hashes, so two
 * names can collide.
 */
export class GhostList<TGhost> {
  /** By hash. A map keeps the insertion order. */
  readonly #ghosts = new Map<number, TGhost>()
  /** Continues from one eviction to the next: a new iterator would skip all removed entries again. */
  #oldest: Iterator<number> | undefined
  #bytes = 0

  /**
   * @param maxBytes - Maximum total size that the entries had.
   * @param sizeOf - The size that an entry had.
   */
  constructor(
    private maxBytes: number,
    private readonly sizeOf: (ghost: TGhost) => number,
  ) {}

  get isEmpty(): boolean {
    return this.#ghosts.size === 0
  }

  /** @param hash - The result of `ghostHash`. */
  add(hash: number, ghost: TGhost): void {
    this.take(hash)
    this.#ghosts.set(hash, ghost)
    this.#bytes += this.sizeOf(ghost)
    this.#trim()
  }

  /** The entry, if it is in the list. Removes it. */
  take(hash: number): TGhost | undefined {
    const ghost = this.#ghosts.get(hash)
    if (ghost === undefined) return undefined
    this.#bytes -= this.sizeOf(ghost)
    this.#ghosts.delete(hash)
    return ghost
  }

  resize(maxBytes: number): void {
    this.maxBytes = maxBytes
    this.#trim()
  }

  clear(): void {
    this.#ghosts.clear()
    this.#oldest = undefined
    this.#bytes = 0
  }

  #trim(): void {
    while (this.#bytes > this.maxBytes) this.#removeOldest()
  }

  #removeOldest(): void {
    this.#oldest ??= this.#ghosts.keys()
    const { value, done } = this.#oldest.next()
    if (done) this.#oldest = undefined
    else this.take(value)
  }
}

/** FNV-1a over namespace and key, folded to the range of a small integer, which needs no heap object. */
export function ghostHash(namespace: string, key: string): number {
  const hash = addTo(addTo(0x811c9dc5, namespace) ^ 0x3a, key)
  return (hash ^ (hash >>> 30)) & 0x3fffffff
}

function addTo(hash: number, text: string): number {
  let sum = hash
  for (let at = 0; at < text.length; at++) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193)
  return sum
}
