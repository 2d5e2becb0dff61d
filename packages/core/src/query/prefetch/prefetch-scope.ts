import type { Gain } from '../../pipeline/gain.ts'
import type { LookupTarget } from '../../pipeline/lookup.ts'
import type { RowSource } from '../../pipeline/operation.ts'
import type { RowRange } from '../../pipeline/operation-context.ts'
import type { Scope } from '../../pipeline/scope.ts'
import { type KeepRow, RowSet } from './row-set.ts'
import type { Trail } from './trail.ts'

export const NOWHERE: RowRange = { from: 0, to: 0 }

const PREFETCH = Symbol('prefetch')
const MAX_SETS = 16
const MAX_ROWS = 20_000
/** Maximum depth of nested rows. */
const MAX_DEPTH = 3
/**
 * Maximum number of trails of one group. If more loops call one lookup, Sluice has to detect some of them
 * again.
 */
const MAX_TRAILS = 4

/** The state of one scope: rows, and the loops over them. */
export class PrefetchScope {
  /** Changes whenever everything is discarded. Results of queries that were sent before are not stored. */
  generation = 0
  /** Groups that failed in this scope, and are not prefetched again. */
  readonly blocked: Set<string> = new Set()
  readonly #sets: RowSet[] = []
  /** The sets of the newest listing, whose rows are stored whole. */
  #whole: RowSet[] = []
  readonly #groups = new Map<string, RowSet>()
  readonly #trails = new Map<string, Trail[]>()
  /** Number of rows in each set. Nested rows do not count, because they are part of other rows. */
  readonly #sizes = new WeakMap<RowSet, number>()
  #rows = 0

  constructor(
    private readonly scope: Scope,
    private readonly onBlock: () => void,
    private readonly keepFor: (source: RowSource) => KeepRow,
  ) {
    scope.setState(PREFETCH, this)
  }

  /** The state of a scope, if any of its rows were stored. */
  static of(scope: Scope): PrefetchScope | undefined {
    return scope.stateOf(PREFETCH) as PrefetchScope | undefined
  }

  /** Learns from the scope when it has ended, and removes its state. */
  end(): void {
    this.discard()
    this.scope.deleteState(PREFETCH)
  }

  /** Returns sets of rows, the newest first. */
  *newest(count: number, suits: (set: RowSet) => boolean): Iterable<RowSet> {
    let left = count
    for (let at = this.#sets.length - 1; at >= 0 && left > 0; at -= 1) {
      const set = this.#sets[at]
      if (set === undefined || !suits(set)) continue
      left -= 1
      yield set
    }
  }

  /**
   * Stores the rows of a listing.
   *
   * @param gain - Notified when a loop iterates over the rows.
   */
  remember(source: RowSource, rows: readonly unknown[], gain?: Gain): void {
    if (rows.length > MAX_ROWS) return
    for (const set of this.#whole) set.settle(MAX_ROWS)
    this.#whole = []
    this.#rememberNested(source, () => rows, 0, gain)
    const set = this.#hold(source, rows, gain)
    this.#grow(set, rows.length)
  }

  /**
   * Nested rows are searched for when a lookup may need them. The rows around them are added later, so they
   * count as newer.
   */
  #rememberNested(
    source: RowSource,
    rows: () => readonly unknown[],
    depth: number,
    gain: Gain | undefined,
  ): void {
    if (source.nested === undefined || depth === MAX_DEPTH) return
    for (const { property, source: inner } of source.nested) {
      let found: readonly unknown[] | undefined
      const nestedRows = () => {
        found ??= rows().flatMap((row) => (row as Readonly<Record<string, unknown>> | null)?.[property] ?? [])
        return found
      }
      this.#rememberNested(inner, nestedRows, depth + 1, gain)
      this.#hold(inner, nestedRows, gain)
    }
  }

  #hold(
    source: RowSource,
    rows: readonly unknown[] | (() => readonly unknown[]),
    gain: Gain | undefined,
  ): RowSet {
    const set = new RowSet(source, rows, undefined, this.keepFor(source), gain)
    this.#add(set)
    this.#whole.push(set)
    return set
  }

  /**
   * Adds the result of a lookup to the rows of its group.
   *
   * @param delivered - How often the rows were returned to the app.
   * @param gain - Notified when a loop iterates over the rows.
   */
  append(group: string, source: RowSource, result: unknown, delivered: number, gain?: Gain): RowRange {
    let set = this.#groups.get(group)
    if (set === undefined) {
      set = new RowSet(source, [], [], this.keepFor(source), gain)
      this.#groups.set(group, set)
      this.#add(set)
    }
    const place = set.append(result, delivered)
    this.#grow(set, place.to - place.from)
    return place
  }

  /** Counts that the rows of an answer are returned to the app. */
  deliver(group: string, { from, to }: RowRange): void {
    const delivered = this.#groups.get(group)?.delivered
    if (delivered === undefined) return
    for (let at = from; at < to; at += 1) delivered[at] = (delivered[at] ?? 0) + 1
  }

  isOwn(group: string, set: RowSet): boolean {
    return this.#groups.get(group) === set
  }

  /** Returns the group's trail that contains a key. */
  trailOf(group: string, text: string): Trail | undefined {
    return this.#trails.get(group)?.find((trail) => trail.ordinalOf(text) !== undefined)
  }

  open(group: string, trail: Trail): void {
    const open = [trail]
    for (const other of this.#trails.get(group) ?? []) {
      // This loop is over a newer listing of the same kind, so the previous loop has ended.
      if (other.link === trail.link || open.length === MAX_TRAILS) this.#retire(other)
      else open.push(other)
    }
    this.#trails.set(group, open)
  }

  /** Discards everything, and learns from the loops. Returns whether there were any rows. */
  discard(): boolean {
    const hadAny = this.#sets.length > 0
    for (const trails of this.#trails.values()) for (const trail of trails) this.#retire(trail)
    this.#trails.clear()
    this.#groups.clear()
    this.#sets.length = 0
    this.scope.hasRows = false
    this.#whole = []
    this.#rows = 0
    this.generation += 1
    return hadAny
  }

  #add(set: RowSet): void {
    this.#sets.push(set)
    this.scope.hasRows = true
  }

  #retire(trail: Trail): void {
    if (trail.retire()) this.onBlock()
  }

  #grow(set: RowSet, rows: number): void {
    this.#rows += rows
    this.#sizes.set(set, (this.#sizes.get(set) ?? 0) + rows)
    this.#shrink()
  }

  #shrink(): void {
    while (this.#sets.length > MAX_SETS || this.#rows > MAX_ROWS) {
      const oldest = this.#sets.shift()
      if (oldest === undefined) return
      this.#rows -= this.#sizes.get(oldest) ?? 0
      for (const [group, set] of this.#groups) if (set === oldest) this.#groups.delete(group)
      for (const [group, trails] of this.#trails) {
        const left = trails.filter((trail) => trail.set !== oldest)
        for (const trail of trails) if (trail.set === oldest) this.#retire(trail)
        if (left.length === 0) this.#trails.delete(group)
        else if (left.length < trails.length) this.#trails.set(group, left)
      }
    }
  }
}

/** Identifies the link from the columns of a listing to a lookup. The same in every process. */
export function linkId(source: RowSource, properties: readonly string[], target: LookupTarget): string {
  return `${source.table}#${source.shape}|${properties.join(',')}>${target.shape}`
}
