/**
 * The dependencies between cached values, by id. An edge is either declared (it stays until `clear`) or owned
 * by the dependent entry: owned edges are replaced when the entry is set again, and removed with it.
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

  /** Sets the parents of an entry, and replaces those of the previous entry. */
  own(child: string, parents: readonly string[]): void {
    this.#disown(child)
    const others = [...new Set(parents)].filter((parent) => parent !== child)
    if (others.length === 0) return
    this.#parents.set(child, others)
    for (const parent of others) add(this.#owned, parent, child)
  }

  /**
   * Removes the owned edges of a removed entry, and those of missing ancestors that only this entry retained.
   * A missing entry with dependents stays in the graph: they still depend on its parents.
   */
  release(id: string): void {
    const pending = [id]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (this.isCached(next) || this.#owned.has(next) || this.#declared.has(next)) continue
      pending.push(...this.#disown(next))
    }
  }

  /**
   * The id of an entry and the ids of all entries that depend on it, directly or indirectly; each once,
   * including cycles.
   */
  dependents(id: string): ReadonlySet<string> {
    const found = new Set([id])
    // Iterating over a set includes values that are added during the iteration.
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
