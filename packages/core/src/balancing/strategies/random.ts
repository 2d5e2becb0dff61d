import type { RandomSource } from '../../shared/random.ts'
import { firstWithRoom } from './first-with-room.ts'
import type { PickableNode, Picker } from './picker.ts'

/** Tries before it takes the next one that has room. */
const TRIES = 8

/** Any node, by chance. Weights do not count; a node that is degraded or starts slowly is passed over at times. */
export class RandomPicker<TNode extends PickableNode> implements Picker<TNode> {
  #nodes: readonly TNode[] = []

  constructor(private readonly random: RandomSource) {}

  rebuild(nodes: readonly TNode[]): void {
    this.#nodes = nodes
  }

  pick(_client: string | undefined, except: TNode | undefined): TNode | undefined {
    const nodes = this.#nodes
    for (let tries = 0; tries < TRIES; tries += 1) {
      const node = nodes[Math.floor(this.random() * nodes.length)]
      if (node === undefined) return undefined
      const isPassed = node.factor < 1 && this.random() >= node.factor
      if (!isPassed && node.hasRoom && node !== except) return node
    }
    return firstWithRoom(nodes, Math.floor(this.random() * nodes.length), except)
  }
}
