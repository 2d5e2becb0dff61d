/** The state of a node that pickers use. */
export interface PickableNode {
  readonly id: string
  readonly hash: number
  readonly weight: number
  /** Factor of its weight: lower while it is degraded or starts slowly. Above 0, at most 1. */
  readonly factor: number
  /** The factor without slow start. */
  readonly steadyFactor: number
  /** `weight · factor`, above 0. */
  readonly share: number
  readonly activeConnections: number
  readonly hasRoom: boolean
  readonly peakMs: number
  readonly peakAt: number
}

/** Selects one of the available nodes. Uses no clock and no random numbers. */
export interface Picker<TNode extends PickableNode = PickableNode> {
  /** Sets the nodes and their current shares. */
  rebuild(nodes: readonly TNode[]): void
  /**
   * @param client - For consistent hashing.
   * @param except - A node to exclude.
   * @returns `undefined` if no node has capacity.
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
