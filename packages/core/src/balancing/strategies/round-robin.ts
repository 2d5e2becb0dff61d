import { type HeapItem, PlacedHeap } from '../../shared/heap.ts'
import { type Accepts, canTake, type PickableNode, type Picker } from './picker.ts'

/** Each node in sequence. Ignores weights; a node that is degraded or starts slowly is skipped at times. */
export class RoundRobinPicker<TNode extends PickableNode> implements Picker<TNode> {
  #nodes: readonly TNode[] = []
  #next = 0
  readonly #uneven = new EarliestDeadlinePicker<TNode>(({ factor }) => factor)
  #isEven = true

  rebuild(nodes: readonly TNode[]): void {
    const last = this.#nodes[this.#next]
    this.#nodes = nodes
    // Continues at the same node.
    this.#next = last === undefined ? 0 : Math.max(0, nodes.indexOf(last))
    this.#isEven = nodes.every(({ factor }) => factor === 1)
    this.#uneven.rebuild(this.#isEven ? [] : nodes)
  }

  pick(client: string | undefined, accepts: Accepts<TNode> | undefined): TNode | undefined {
    if (!this.#isEven) return this.#uneven.pick(client, accepts)
    const nodes = this.#nodes
    for (let tries = nodes.length; tries > 0; tries -= 1) {
      const node = nodes[this.#next]
      this.#next = this.#next + 1 === nodes.length ? 0 : this.#next + 1
      if (node !== undefined && canTake(node, accepts)) return node
    }
    return undefined
  }
}

interface Entry<TNode> extends HeapItem {
  readonly node: TNode
  deadline: number
  step: number
}

/**
 * Each node in proportion to its share, spread evenly: the one with the earliest deadline, from a heap.
 * Source: earliest-deadline-first scheduling, which Envoy and gRPC use instead of a scan over all nodes.
 */
export class EarliestDeadlinePicker<TNode extends PickableNode> implements Picker<TNode> {
  #heap = heapOf<TNode>([])
  /** The deadline of the last pick. */
  #now = 0

  /** @param shareOf - Share of a node; above 0. */
  constructor(private readonly shareOf: (node: TNode) => number) {}

  rebuild(nodes: readonly TNode[]): void {
    const known = new Map([...this.#heap].map((entry) => [entry.node, entry]))
    const entries = nodes.map((node, at) => {
      const step = 1 / this.shareOf(node)
      const entry = known.get(node)
      // A new node does not catch up on missed requests, and nodes that are added together are not selected
      // at the same time.
      const wait =
        entry === undefined
          ? step * (0.5 + at / (1_000 * nodes.length))
          : Math.min(step, entry.deadline - this.#now)
      return { node, step, deadline: this.#now + wait, place: 0 }
    })
    this.#heap = heapOf(entries)
  }

  pick(_client: string | undefined, accepts: Accepts<TNode> | undefined): TNode | undefined {
    const first = this.#heap.peek()
    if (first === undefined) return undefined
    if (!canTake(first.node, accepts)) return this.#pickPast(accepts)
    this.#now = first.deadline
    first.deadline += first.step
    this.#heap.update(first)
    return first.node
  }

  /**
   * Past nodes whose turn it is and that cannot take it: they lose it, or they would be picked in a row once
   * they can.
   */
  #pickPast(accepts: Accepts<TNode> | undefined): TNode | undefined {
    let best: Entry<TNode> | undefined
    for (const entry of this.#heap) {
      if (canTake(entry.node, accepts) && (best === undefined || entry.deadline < best.deadline)) best = entry
    }
    if (best === undefined) return undefined
    this.#now = best.deadline
    best.deadline += best.step
    for (const entry of this.#heap) if (entry.deadline < this.#now) entry.deadline = this.#now + entry.step
    this.#heap = heapOf(this.#heap)
    return best.node
  }
}

function heapOf<TNode>(entries: Iterable<Entry<TNode>>): PlacedHeap<Entry<TNode>> {
  const heap = new PlacedHeap<Entry<TNode>>((first, second) => first.deadline < second.deadline)
  for (const entry of entries) heap.add(entry)
  return heap
}
