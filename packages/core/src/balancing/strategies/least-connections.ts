import { type Accepts, canTake, type PickableNode, type Picker } from './picker.ts'

interface Entry<TNode> {
  readonly node: TNode
  load: number
  /** When it was last picked: of nodes with the same load, the one that waited longest. */
  order: number
  place: number
}

/** The node with the fewest connections for its share, kept in a heap. */
export class LeastConnectionsPicker<TNode extends PickableNode> implements Picker<TNode> {
  #heap: Entry<TNode>[] = []
  #entries = new Map<TNode, Entry<TNode>>()
  #order = 0

  rebuild(nodes: readonly TNode[]): void {
    const known = this.#entries
    this.#heap = nodes.map((node, place) => ({
      node,
      place,
      load: loadOf(node),
      order: known.get(node)?.order ?? 0,
    }))
    this.#entries = new Map(this.#heap.map((entry) => [entry.node, entry]))
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at -= 1) this.#sink(at)
  }

  pick(_client: string | undefined, accepts: Accepts<TNode> | undefined): TNode | undefined {
    let entry = this.#heap[0]
    if (entry === undefined) return undefined
    if (!canTake(entry.node, accepts)) {
      entry = undefined
      for (const other of this.#heap) {
        if (canTake(other.node, accepts) && (entry === undefined || isBefore(other, entry))) entry = other
      }
      if (entry === undefined) return undefined
    }
    this.#order += 1
    entry.order = this.#order
    this.#sink(entry.place)
    return entry.node
  }

  changed(node: TNode): void {
    const entry = this.#entries.get(node)
    if (entry === undefined) return
    const load = loadOf(node)
    const isMore = load > entry.load
    entry.load = load
    if (isMore) this.#sink(entry.place)
    else this.#rise(entry.place)
  }

  #sink(from: number): void {
    const heap = this.#heap
    const entry = heap[from]
    if (entry === undefined) return
    let at = from
    for (;;) {
      const left = heap[2 * at + 1]
      if (left === undefined) break
      const right = heap[2 * at + 2]
      const least = right !== undefined && isBefore(right, left) ? right : left
      if (!isBefore(least, entry)) break
      const child = least.place
      this.#put(least, at)
      at = child
    }
    this.#put(entry, at)
  }

  #rise(from: number): void {
    const entry = this.#heap[from]
    if (entry === undefined) return
    let at = from
    while (at > 0) {
      const parent = this.#heap[(at - 1) >> 1]
      if (parent === undefined || !isBefore(entry, parent)) break
      const above = parent.place
      this.#put(parent, at)
      at = above
    }
    this.#put(entry, at)
  }

  #put(entry: Entry<TNode>, at: number): void {
    this.#heap[at] = entry
    entry.place = at
  }
}

function loadOf({ activeConnections, share }: PickableNode): number {
  return activeConnections / share
}

function isBefore<TNode>(a: Entry<TNode>, b: Entry<TNode>): boolean {
  return a.load < b.load || (a.load === b.load && a.order < b.order)
}
