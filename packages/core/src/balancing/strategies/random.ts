import type { RandomSource } from '../../shared/random.ts'
import { type Accepts, canTake, firstWithCapacity, type PickableNode, type Picker } from './picker.ts'

/** Number of attempts before it takes the next node with capacity. */
const TRIES = 8

/** Any node, at random. Ignores weights; a node that is degraded or starts slowly is skipped at times. */
export class RandomPicker<TNode extends PickableNode> implements Picker<TNode> {
  #nodes: readonly TNode[] = []

  constructor(private readonly random: RandomSource) {}

  rebuild(nodes: readonly TNode[]): void {
    this.#nodes = nodes
  }

  pick(_client: string | undefined, accepts: Accepts<TNode> | undefined): TNode | undefined {
    const nodes = this.#nodes
    for (let tries = 0; tries < TRIES; tries += 1) {
      const node = nodes[Math.floor(this.random() * nodes.length)]
      if (node === undefined) return undefined
      const isPassed = node.factor < 1 && this.random() >= node.factor
      if (!isPassed && canTake(node, accepts)) return node
    }
    return firstWithCapacity(nodes, Math.floor(this.random() * nodes.length), accepts)
  }
}

/**
 * Selects the cheaper one of two random nodes: nearly as even as the best of all nodes, and without a
 * herd on one node. Source: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing" (IEEE TPDS
 * 2001).
 */
export class TwoChoicesPicker<TNode extends PickableNode> implements Picker<TNode> {
  #nodes: readonly TNode[] = []

  /** @param costOf - Cost of one more request. */
  constructor(
    private readonly random: RandomSource,
    private readonly costOf: (node: TNode) => number,
  ) {}

  rebuild(nodes: readonly TNode[]): void {
    this.#nodes = nodes
  }

  pick(_client: string | undefined, accepts: Accepts<TNode> | undefined): TNode | undefined {
    const nodes = this.#nodes
    const first = Math.floor(this.random() * nodes.length)
    let second = Math.floor(this.random() * (nodes.length - 1))
    if (second >= first) second += 1
    const a = nodes[first]
    const b = nodes[second] ?? a
    if (a === undefined || b === undefined) return undefined
    const isA = canTake(a, accepts)
    const isB = canTake(b, accepts)
    if (isA && isB) return this.costOf(a) <= this.costOf(b) ? a : b
    if (isA) return a
    return isB ? b : firstWithCapacity(nodes, first, accepts)
  }
}
