import type { WriteOutcome } from '../../pipeline/writes.ts'
import type { WriteEffect } from '../../schema/catalog.ts'
import type { TableId } from '../../schema/catalog-data.ts'
import type { Clock } from '../../shared/clock.ts'
import { EVERY_TAG } from '../stores/cache-store.ts'
import { eachTagWritten, tableTag } from './tags.ts'

/**
 * How long values under the tags of a write with an unknown outcome are neither served nor cached. If the
 * database has not executed a lost COMMIT by then, it is assumed that it never will.
 */
export const LEASE_MS = 30_000

/**
 * Maximum number of tags. If it is reached, idle tags are removed, and everything that was cached before is
 * invalidated.
 */
const MAX_TAGS = 200_000

/** The state of one tag in this process. */
interface TagNode {
  /** Increases at every begin and end of a write; never decreases. */
  generation: number
  /** Number of writes in flight. */
  open: number
  /** Number of writes that wait for their connection. */
  held: number
  /** Until then, a write with an unknown outcome can still take effect, in monotonic milliseconds. */
  leasedUntil: number
  /** The last stamp that was read from the shared store. */
  stamp: string | undefined
  /** The sum of this tag's generation and that of `*` when the stamp was recorded. */
  stampedAt: number
  /** The last snapshot of which this is the first tag: the next one is often the same. */
  latest: TagSnapshot | undefined
}

/** The tags of a write in flight. */
export type OpenTags = readonly object[]

/** The state of tags at a moment at which no write to them was in flight. */
export class TagSnapshot {
  constructor(
    private readonly every: TagNode,
    readonly nodes: readonly TagNode[],
    /** Because generations only increase, their sum is the same only if each of them is. */
    private readonly sum: number,
  ) {}

  /** Whether no write to any of the tags began or ended since, and none waits for its connection. */
  get isCurrent(): boolean {
    const { nodes } = this
    let sum = this.every.generation
    let { held } = this.every
    for (let at = 0; at < nodes.length; at++) {
      const node = nodes[at] as TagNode
      sum += node.generation
      held += node.held
    }
    return sum === this.sum && held === 0
  }

  /**
   * Records the stamps of the tags in the shared store. Has no effect unless the snapshot was taken before
   * the store was read and is still current: otherwise, a write can have begun after the store read them.
   *
   * @param stamps - In the order of the tags; there can be more of them.
   */
  note(stamps: readonly string[]): void {
    if (!this.isCurrent) return
    for (let at = 0; at < this.nodes.length; at++) {
      const node = this.nodes[at] as TagNode
      node.stamp = stamps[at]
      node.stampedAt = node.generation + this.every.generation
    }
  }

  /**
   * The stamps of the tags that this process knows; `undefined` unless each was recorded and no message has
   * announced a write to it since.
   */
  get stamps(): readonly string[] | undefined {
    const stamps: string[] = []
    for (const node of this.nodes) {
      if (node.stamp === undefined || node.stampedAt !== node.generation + this.every.generation)
        return undefined
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
 * The state of every tag in one process. A value that was read from the database after a snapshot was taken,
 * and whose snapshot is current, is what the database would return, with regard to the writes of this
 * process.
 */
export class TagTable {
  #every: TagNode = newNode()
  #nodes = new Map<string, TagNode>()
  /**
   * The same nodes by table and number: a write would create strings, and compare them with those of many
   * tags.
   */
  #byNumber = new Map<TableId, Map<number, TagNode>>()
  /**
   * How often the state of any tag has changed. While this is unchanged, a snapshot that was current is still
   * current.
   */
  changes = 0

  constructor(
    private readonly clock: Clock,
    private readonly leaseMs: number = LEASE_MS,
  ) {}

  /**
   * The state of the first `count` tags now; `undefined` while a write to any of them is in flight, or can
   * be.
   */
  snapshot(tags: readonly string[], count: number = tags.length): TagSnapshot | undefined {
    const every = this.#every
    if (this.#isBusy(every)) return undefined
    const first = count === 0 ? every : this.#nodeOf(tags[0] as string)
    const latest = first.latest?.nodes.length === count ? first.latest : undefined
    let nodes: TagNode[] | undefined
    let sum = every.generation
    for (let at = 0; at < count; at++) {
      const node = at === 0 ? first : this.#nodeOf(tags[at] as string)
      if (this.#isBusy(node)) return undefined
      sum += node.generation
      if (nodes === undefined && node !== latest?.nodes[at]) {
        // Snapshots live as long as the values cached under them: an array that grows would reserve more
        // memory.
        nodes = new Array<TagNode>(count)
        for (let same = 0; same < at; same++) nodes[same] = latest?.nodes[same] as TagNode
      }
      if (nodes !== undefined) nodes[at] = node
    }
    // Values under the same tags share a snapshot.
    const known: readonly TagNode[] | undefined = nodes ?? latest?.nodes
    if (latest !== undefined && latest.nodes === known && latest.state === sum) return latest
    const snapshot = new TagSnapshot(every, known ?? [], sum)
    first.latest = snapshot
    return snapshot
  }

  /**
   * A write to these tags begins.
   *
   * @returns The argument for `end`, which must be called once.
   */
  begin(tags: readonly string[]): OpenTags {
    return tags.map((tag) => this.#open(this.#nodeOf(tag)))
  }

  /** The same for a write with this effect. */
  beginWrite(effect: WriteEffect): OpenTags {
    if (effect.everything) return [this.#open(this.#every)]
    const nodes: TagNode[] = []
    // Each is opened before the next is looked up, which can remove idle tags.
    eachTagWritten(effect, (table, number) => nodes.push(this.#open(this.#numbered(table, number))))
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

  /**
   * A write to these tags waits for its connection. Unlike `begin`, it does not invalidate what was cached
   * before.
   *
   * @returns A function that ends it, to call once.
   */
  hold(tags: readonly string[]): () => void {
    const nodes = tags.map((tag) => this.#nodeOf(tag))
    const count = (change: 1 | -1) => {
      for (const node of nodes) node.held += change
      this.changes += 1
    }
    count(1)
    return () => count(-1)
  }

  /** A write to these tags by another process or program began or ended. */
  raise(tags: readonly string[]): void {
    for (const tag of tags) {
      const node = tag === EVERY_TAG ? this.#every : this.#nodes.get(tag)
      if (node !== undefined) this.#raise(node)
    }
  }

  /** Values that were cached before are no longer known to be valid. */
  raiseAll(): void {
    this.#raise(this.#every)
  }

  #open(node: TagNode): TagNode {
    this.#raise(node)
    // A tag with an open write is never removed: the write ends on this node.
    node.open += 1
    return node
  }

  #raise(node: TagNode): void {
    node.generation += 1
    this.changes += 1
  }

  #isBusy(node: TagNode): boolean {
    return node.open > 0 || node.held > 0 || (node.leasedUntil > 0 && this.clock.now() < node.leasedUntil)
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

  /** @param number - See `tableTag`. */
  #numbered(table: TableId, number: number): TagNode {
    let nodes = this.#byNumber.get(table)
    const known = nodes?.get(number)
    if (known !== undefined) return known
    const node = this.#nodeOf(tableTag(table, number))
    if (nodes === undefined) {
      nodes = new Map()
      this.#byNumber.set(table, nodes)
    }
    nodes.set(number, node)
    return node
  }

  #forget(): void {
    this.raiseAll()
    this.#byNumber = new Map()
    this.#nodes = new Map([...this.#nodes].filter(([, node]) => this.#isBusy(node)))
  }
}

function newNode(): TagNode {
  return {
    generation: 0,
    open: 0,
    held: 0,
    leasedUntil: 0,
    stamp: undefined,
    stampedAt: -1,
    latest: undefined,
  }
}
