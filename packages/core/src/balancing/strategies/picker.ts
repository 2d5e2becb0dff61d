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

/** Whether a node can be selected for a request. */
export type Accepts<TNode> = (node: TNode) => boolean

/** Selects one of the available nodes. */
export interface Picker<TNode extends PickableNode = PickableNode> {
  /**
   * Sets the nodes and their current shares.
   *
   * @param registered - All nodes, including those that are not available.
   */
  rebuild(nodes: readonly TNode[], registered: readonly TNode[]): void
  /**
   * @param client - For consistent hashing.
   * @param accepts - Excludes nodes. `undefined`: none.
   * @returns `undefined` if no accepted node has capacity.
   */
  pick(client: string | undefined, accepts: Accepts<TNode> | undefined): TNode | undefined
  changed?(node: TNode): void
  /** A node responded within this time. */
  answered?(node: TNode, ms: number): void
}

/** Whether a node has capacity for a request, and is not excluded. */
export function canTake<TNode extends PickableNode>(
  node: TNode,
  accepts: Accepts<TNode> | undefined,
): boolean {
  return node.hasRoom && (accepts === undefined || accepts(node))
}

/** The first node with room, from a place on and around. */
export function firstWithCapacity<TNode extends PickableNode>(
  nodes: readonly TNode[],
  start: number,
  accepts: Accepts<TNode> | undefined,
): TNode | undefined {
  for (let i = 0; i < nodes.length; i += 1) {
    const node = nodes[(start + i) % nodes.length]
    if (node !== undefined && canTake(node, accepts)) return node
  }
  return undefined
}
