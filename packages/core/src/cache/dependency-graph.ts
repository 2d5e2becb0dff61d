/**
 * Which cached values were made from which others, by id. An edge is either declared (it stays until `clear`) or owned by the
 * dependent entry: owned edges are replaced when the entry is set again and go when it goes.
 */
export class DependencyGraph {
  readonly #declared = new Map<string, Set<string>>()
  readonly #owned = new Map<string, Set<string>>()
  readonly #parents = new Map<string, readonly string[]>()

  /** @param isCached - Whether an entry with that id is in the cache. */
  constructor(private readonly isCached: (id: string) => boolean) {}

  get isEmpty(): boolean {
    return this.#declared.size === 0 && this.#owned.size === 0
  }

  declare(parent: string, child: string): void {
    add(this.#declared, parent, child)
  }

  /** Makes these the parents that an entry brings along, in place of those of its predecessor. */
  own(child: string, parents: readonly string[]): void {
    this.#disown(child)
    const others = [...new Set(parents)].filter((parent) => parent !== child)
    if (others.length === 0) return
    this.#parents.set(child, others)
    for (const parent of others) add(this.#owned, parent, child)
  }

  /**
   * Forgets the owned edges of an entry that left, and those of absent ancestors that only it kept. An absent entry with
   * dependents stays in the graph: what was made from it still depends on what it was made from.
   */
  release(id: string): void {
    const pending = [id]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (this.isCached(next) || this.#owned.has(next) || this.#declared.has(next)) continue
      pending.push(...this.#disown(next))
    }
  }

  /** An entry's id and the ids of all that depends on it, directly or not; each once, cycles included. */
  dependents(id: string): ReadonlySet<string> {
    const found = new Set([id])
    // A set visits what is added to it while it is walked.
    for (const parent of found) {
      for (const child of this.#declared.get(parent) ?? []) found.add(child)
      for (const child of this.#owned.get(parent) ?? []) found.add(child)
    }
    return found
  }

  clear(): void {
    this.#declared.clear()
    this.#owned.clear()
    this.#parents.clear()
  }

  #disown(child: string): readonly string[] {
    const parents = this.#parents.get(child) ?? []
    this.#parents.delete(child)
    for (const parent of parents) {
      const children = this.#owned.get(parent)
      children?.delete(child)
      if (children?.size === 0) this.#owned.delete(parent)
    }
    return parents
  }
}

function add(edges: Map<string, Set<string>>, parent: string, child: string): void {
  const children = edges.get(parent)
  if (children === undefined) edges.set(parent, new Set([child]))
  else children.add(child)
}
