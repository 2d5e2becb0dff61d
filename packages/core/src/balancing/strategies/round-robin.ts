import { EarliestDeadlinePicker } from './earliest-deadline.ts'
import type { PickableNode, Picker } from './picker.ts'

/** One after the other. Weights do not count; a node that is degraded or starts slowly is left out at some of its turns. */
export class RoundRobinPicker<TNode extends PickableNode> implements Picker<TNode> {
  #nodes: readonly TNode[] = []
  #next = 0
  readonly #uneven = new EarliestDeadlinePicker<TNode>(({ factor }) => factor)
  #isEven = true

  rebuild(nodes: readonly TNode[]): void {
    const last = this.#nodes[this.#next]
    this.#nodes = nodes
    // Goes on where it was.
    this.#next = last === undefined ? 0 : Math.max(0, nodes.indexOf(last))
    this.#isEven = nodes.every(({ factor }) => factor === 1)
    this.#uneven.rebuild(this.#isEven ? [] : nodes)
  }

  pick(client: string | undefined, except: TNode | undefined): TNode | undefined {
    if (!this.#isEven) return this.#uneven.pick(client, except)
    const nodes = this.#nodes
    for (let tries = nodes.length; tries > 0; tries -= 1) {
      const node = nodes[this.#next]
      this.#next = this.#next + 1 === nodes.length ? 0 : this.#next + 1
      if (node?.hasRoom && node !== except) return node
    }
    return undefined
  }
}
