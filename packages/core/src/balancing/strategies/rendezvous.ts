import { plainAddress } from '../../shared/client-address.ts'
import { type Accepts, canTake, type PickableNode, type Picker } from './picker.ts'

/**
 * FNV-1a over UTF-16 units, with the finalizer of MurmurHash3: 32 bits, unsigned. Sources: Fowler, Noll and
 * Vo; Appleby.
 */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return mix(hash)
}

/** The hash of a client's address, which may have several spellings; IPv4 has one. */
export function hashClient(client: string): number {
  return hashText(client.includes(':') ? (plainAddress(client) ?? client) : client)
}

/** Spreads the bits of a number over all 32. */
function mix(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/**
 * The same node for the same client: every node has a score for every client, and the highest one wins. If a
 * node is removed, only its clients move. A node with twice the share has twice the clients. Unknown clients
 * are distributed round-robin.
 *
 * Source: Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates" (IEEE/ACM ToN 1998); with
 * weights, Schindelhauer and Schomaker, "Weighted Distributed Hash Tables" (SPAA 2005).
 */
export class RendezvousPicker<TNode extends PickableNode> implements Picker<TNode> {
  #nodes: readonly TNode[] = []
  #hashes = new Uint32Array()
  #shares = new Float64Array()
  #isEven = true

  constructor(
    private readonly unknown: Picker<TNode>,
    /** Weight of a node. Excludes slow start: clients would move away for some seconds, and back. */
    private readonly shareOf: (node: TNode) => number,
  ) {}

  rebuild(nodes: readonly TNode[], registered: readonly TNode[]): void {
    this.#nodes = nodes
    this.#hashes = Uint32Array.from(nodes, ({ hash }) => hash)
    this.#shares = Float64Array.from(nodes, (node) => this.shareOf(node))
    this.#isEven = this.#shares.every((share) => share === this.#shares[0])
    this.unknown.rebuild(nodes, registered)
  }

  pick(client: string | undefined, accepts: Accepts<TNode> | undefined): TNode | undefined {
    if (client === undefined) return this.unknown.pick(client, accepts)
    const key = hashClient(client)
    return this.#isEven ? this.#highest(key, accepts) : this.#highestWeighted(key, accepts)
  }

  /** With equal shares, the order of the hashes is that of the scores. */
  #highest(key: number, accepts: Accepts<TNode> | undefined): TNode | undefined {
    const hashes = this.#hashes
    let best: TNode | undefined
    let most = -1
    for (let i = 0; i < hashes.length; i += 1) {
      const score = mix(key ^ (hashes[i] as number))
      if (score <= most) continue
      const node = this.#nodes[i] as TNode
      if (!canTake(node, accepts)) continue
      most = score
      best = node
    }
    return best
  }

  #highestWeighted(key: number, accepts: Accepts<TNode> | undefined): TNode | undefined {
    const hashes = this.#hashes
    const shares = this.#shares
    let best: TNode | undefined
    let most = 0
    for (let i = 0; i < hashes.length; i += 1) {
      const share = shares[i] as number
      const chance = (mix(key ^ (hashes[i] as number)) + 0.5) / 4_294_967_296
      // Its score is at most this, since 1 - x ≤ -ln x: few need the logarithm.
      if (share < most * (1 - chance)) continue
      const score = share / -Math.log(chance)
      const node = this.#nodes[i] as TNode
      if (score <= most || !canTake(node, accepts)) continue
      most = score
      best = node
    }
    return best
  }

  changed(node: TNode): void {
    this.unknown.changed?.(node)
  }
}
