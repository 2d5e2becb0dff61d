import type { RandomSource } from '../../shared/random.ts'
import { firstWithRoom } from './first-with-room.ts'
import type { PickableNode, Picker } from './picker.ts'

/**
 * Of two nodes by chance the one that costs less: nearly as even as the best of all, and no herd runs to one node. Source: Mitzenmacher, "The Power of
 * Two Choices in Randomized Load Balancing" (IEEE TPDS 2001).
 */
export class TwoChoicesPicker<TNode extends PickableNode> implements Picker<TNode> {
  #nodes: readonly TNode[] = []

  /** @param costOf - Of one more request. */
  constructor(
    private readonly random: RandomSource,
    private readonly costOf: (node: TNode) => number,
  ) {}

  rebuild(nodes: readonly TNode[]): void {
    this.#nodes = nodes
  }

  pick(_client: string | undefined, except: TNode | undefined): TNode | undefined {
    const nodes = this.#nodes
    const first = Math.floor(this.random() * nodes.length)
    let second = Math.floor(this.random() * (nodes.length - 1))
    if (second >= first) second += 1
    const a = nodes[first]
    const b = nodes[second] ?? a
    if (a === undefined || b === undefined) return undefined
    const isA = a.hasRoom && a !== except
    const isB = b.hasRoom && b !== except
    if (isA && isB) return this.costOf(a) <= this.costOf(b) ? a : b
    if (isA) return a
    return isB ? b : firstWithRoom(nodes, first, except)
  }
}
