/** What a picker needs to know of a node. */
export interface PickableNode {
  readonly id: string
  readonly hash: number
  readonly weight: number
  /** What it gets of its weight: less while it is degraded, or starts slowly. Above 0, 1 at most. */
  readonly factor: number
  /** The same but for a slow start. */
  readonly steadyFactor: number
  /** `weight · factor`, above 0. */
  readonly share: number
  readonly activeConnections: number
  readonly hasRoom: boolean
  readonly peakMs: number
  readonly peakAt: number
}

/** Chooses among nodes that may be chosen. Knows no time and no chance of its own. */
export interface Picker<TNode extends PickableNode = PickableNode> {
  /** These are the nodes from now on, with their shares as they are. */
  rebuild(nodes: readonly TNode[]): void
  /**
   * @param client - For consistent hashing.
   * @param except - A node that is not to be picked, though it has room.
   * @returns `undefined` where no node has room.
   */
  pick(client: string | undefined, except: TNode | undefined): TNode | undefined
  /** The connections of a node changed. */
  changed?(node: TNode): void
}

/** The first node with room, from a place on and around. */
export function firstWithCapacity<TNode extends PickableNode>(
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
