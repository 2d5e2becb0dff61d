import type { PickableNode } from './picker.ts'

/** The first node with room, from a place on and around. */
export function firstWithRoom<TNode extends PickableNode>(
  nodes: readonly TNode[],
  start: number,
  except: TNode | undefined,
): TNode | undefined {
  for (let i = 0; i < nodes.length; i += 1) {
    const node = nodes[(start + i) % nodes.length]
    if (node?.hasRoom && node !== except) return node
  }
  return undefined
}
