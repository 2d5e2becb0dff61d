import type { WriteOutcome } from '../../pipeline/writes.ts'
import type { Clock } from '../../shared/clock.ts'
import { EVERY_TAG } from '../stores/cache-store.ts'

/**
 * How long the tags of a write with an unknown outcome stay out of memory. A database that has not carried out
 * a lost COMMIT by then is assumed to have dropped it.
 */
export const LEASE_MS = 30_000

/** With more tags than this, all are forgotten, and with them what was kept under them. */
const MAX_TAGS = 200_000

/** The state of one tag in this process. */
interface TagNode {
  /** Raised by every beginning and end of a write; never goes back. */
  generation: number
  /** Writes under way. */
  open: number
  /** A write of unknown outcome may still take effect until then, in monotonic milliseconds. */
  leasedUntil: number
  /** The stamp that the shared store had for it last. */
  stamp: string | undefined
  /** The sum of its generation and that of everything at which the stamp was noted. */
  stampedAt: number
}

/** The tags of a write in flight. */
export type OpenTags = readonly object[]

/** The state of tags at a moment at which no write to them was under way. */
export class TagSnapshot {
  constructor(
    private readonly every: TagNode,
    private readonly nodes: readonly TagNode[],
    /** Since generations only rise, their sum is the same only if each of them is. */
    private readonly sum: number,
  ) {}

  /** Whether no write to any of the tags began or ended since. */
  get isCurrent(): boolean {
    const { nodes } = this
    let sum = this.every.generation
    for (let at = 0; at < nodes.length; at++) sum += (nodes[at] as TagNode).generation
    return sum === this.sum
  }

  /**
   * Notes the stamps that the shared store has for the tags. Without effect unless the snapshot was taken before the store was asked, and is current: otherwise a
   * write may have begun after the store read them.
   *
   * @param stamps - In the order of the tags; there may be more of them.
   */
  note(stamps: readonly string[]): void {
    if (!this.isCurrent) return
    for (let at = 0; at < this.nodes.length; at++) {
      const node = this.nodes[at] as TagNode
      node.stamp = stamps[at]
      node.stampedAt = node.generation + this.every.generation
    }
  }

  /** The stamps of the tags as far as this process knows; `undefined` unless each was noted, and no message told of a write to it since. */
  get stamps(): readonly string[] | undefined {
    const stamps: string[] = []
    for (const node of this.nodes) {
      if (node.stamp === undefined || node.stampedAt !== node.generation + this.every.generation) return undefined
      stamps.push(node.stamp)
    }
    return stamps
  }

  /** A number that is the same for the same tags as long as they are current. */
  get state(): number {
    return this.sum
  }
}

/**
 * The state of every tag, in one process. What was read from the database after a snapshot was taken, and is kept while the snapshot is
 * current, is what the database would answer, as far as writes of this process go.
 */
export class TagTable {
  #every: TagNode = newNode()
  #nodes = new Map<string, TagNode>()
  #changes = 0

  constructor(
    private readonly clock: Clock,
    private readonly leaseMs: number = LEASE_MS,
  ) {}

  /** How often the state of any tag has changed: what was current is current as long as this is the same. */
  get changes(): number {
    return this.#changes
  }

  /** The tags' state now; `undefined` while a write to any of them is under way, or may be. */
  snapshot(tags: readonly string[]): TagSnapshot | undefined {
    if (this.#isBusy(this.#every)) return undefined
    // Snapshots live as long as what is kept under them: an array that grows would keep room for more.
    const nodes = new Array<TagNode>(tags.length)
    let sum = this.#every.generation
    for (let at = 0; at < tags.length; at++) {
      const node = this.#nodeOf(tags[at] as string)
      if (this.#isBusy(node)) return undefined
      nodes[at] = node
      sum += node.generation
    }
    return new TagSnapshot(this.#every, nodes, sum)
  }

  /** A write to these tags begins. @returns What `end` must be called with, once. */
  begin(tags: readonly string[]): OpenTags {
    const nodes = new Array<TagNode>(tags.length)
    for (let at = 0; at < tags.length; at++) {
      const node = this.#nodeOf(tags[at] as string)
      this.#raise(node)
      // A tag with an open write is never forgotten: the write ends on this node.
      node.open += 1
      nodes[at] = node
    }
    return nodes
  }

  /** A write to these tags has ended. */
  end(tags: OpenTags, outcome: WriteOutcome): void {
    const leasedUntil = outcome === 'unknown' ? this.clock.now() + this.leaseMs : 0
    for (const node of tags as readonly TagNode[]) {
      this.#raise(node)
      node.open -= 1
      node.leasedUntil = Math.max(node.leasedUntil, leasedUntil)
    }
  }

  /** Somebody else's write to these tags began or ended. */
  raise(tags: readonly string[]): void {
    for (const tag of tags) {
      const node = tag === EVERY_TAG ? this.#every : this.#nodes.get(tag)
      if (node !== undefined) this.#raise(node)
    }
  }

  /** What was kept before is not known to be valid. */
  raiseAll(): void {
    this.#raise(this.#every)
  }

  #raise(node: TagNode): void {
    node.generation += 1
    this.#changes += 1
  }

  #isBusy(node: TagNode): boolean {
    return node.open > 0 || (node.leasedUntil > 0 && this.clock.now() < node.leasedUntil)
  }

  #nodeOf(tag: string): TagNode {
    if (tag === EVERY_TAG) return this.#every
    const known = this.#nodes.get(tag)
    if (known !== undefined) return known
    if (this.#nodes.size >= MAX_TAGS) this.#forget()
    const node = newNode()
    this.#nodes.set(tag, node)
    return node
  }

  #forget(): void {
    this.raiseAll()
    this.#nodes = new Map([...this.#nodes].filter(([, node]) => this.#isBusy(node)))
  }
}

function newNode(): TagNode {
  return { generation: 0, open: 0, leasedUntil: 0, stamp: undefined, stampedAt: -1 }
}
