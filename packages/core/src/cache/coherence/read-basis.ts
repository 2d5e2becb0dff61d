import { type Basis, closeBasis, openBasis } from '../../pipeline/basis.ts'
import type { Permit } from './shared-reads.ts'
import type { TagSnapshot, TagTable } from './tag-table.ts'

/** Checking more tags than this would cost more than it saves. */
const MAX_TAGS = 128

/** The conditions under which a value may be cached. */
export interface DerivedTerms {
  readonly tags: readonly string[]
  readonly snapshot: TagSnapshot
  /** `undefined`: values are not shared with other processes. */
  readonly permit: Permit | undefined
  readonly isShareable: boolean
  /** The databases that were read, by the names that all processes use for them. */
  readonly databases: readonly string[]
  /** Whether one of its parts must be checked in the store at each use. */
  readonly isStrict: boolean
  /** Maximum time to live, according to its parts; `undefined` if none of them sets one. */
  readonly maxTtlMs: number | undefined
}

/** One read that a derived value depends on. It is reported once. */
export interface BasisPart {
  /**
   * The result of the read is valid as long as the state of its tags is unchanged.
   *
   * @param snapshot - This process's state of the tags, from before the source was queried; `undefined`: a
   * write was in flight.
   * @param permit - The shared store's state, from before the source was queried, or of the entry that was
   * served.
   * @param leftMs - Remaining time in which the result is fresh. Default: its whole time to live.
   */
  add(
    tags: readonly string[],
    snapshot: TagSnapshot | undefined,
    permit: Permit | undefined,
    leftMs?: number,
  ): void
  /** It is unknown how long the result stays valid. */
  spoil(reason: string): void
}

/** Properties of a read in addition to its tags. */
export interface PartTerms {
  readonly isShareable: boolean
  readonly database: string | undefined
  readonly isStrict: boolean
  readonly maxTtlMs: number | undefined
}

/**
 * Collects the tags of all reads that a value depends on, with their state from before each source was
 * queried.
 */
export class ReadBasis implements Basis {
  #operations = 0
  #parts = 0
  #underWay = 0
  #reason: string | undefined
  #epoch: string | undefined
  #isShareable = true
  #isStrict = false
  #maxTtlMs: number | undefined
  #isOpen = true
  readonly #stamps = new Map<string, string | undefined>()
  readonly #snapshots: TagSnapshot[] = []
  readonly #databases = new Set<string>()
  #onSettled: (() => void)[] = []

  /**
   * @param context - The facts outside the statements that change results, when the value was requested.
   * @param isShared - Whether processes share values.
   */
  constructor(
    readonly context: string,
    private readonly table: TagTable,
    private readonly isShared: boolean,
  ) {
    openBasis(this)
  }

  begin(): void {
    this.#operations += 1
  }

  spoil(reason: string): void {
    if (this.#isOpen) this.#reason ??= reason
  }

  /**
   * A read that is reported when its dependencies are known.
   *
   * @param isOperation - Whether `begin` was called for it.
   */
  part(terms: PartTerms, isOperation: boolean): BasisPart {
    if (isOperation) this.#parts += 1
    this.#underWay += 1
    let isReported = false
    const once = (report: () => void) => {
      if (isReported) return
      isReported = true
      this.#underWay -= 1
      if (this.#isOpen) report()
      if (this.#underWay === 0) for (const settled of this.#onSettled.splice(0)) settled()
    }
    return {
      add: (tags, snapshot, permit, leftMs) =>
        once(() => this.#add(tags, snapshot, permit, limited(terms, leftMs))),
      spoil: (reason) => once(() => this.spoil(reason)),
    }
  }

  /** A read that is known not to be cached, or a write. `begin` was called for it. */
  partWithout(reason: string): void {
    this.#parts += 1
    this.spoil(reason)
  }

  /** Settles when no read is in flight. */
  settled(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onSettled.push(resolve))
  }

  /** Operations that begin from now on are not part of the value. */
  abandon(): void {
    this.#isOpen = false
    closeBasis(this)
  }

  /** The reason why the value could not be cached at this moment; `undefined` if it could. */
  obstacle(): string | undefined {
    const terms = this.#close()
    return typeof terms === 'string' ? terms : undefined
  }

  /**
   * The conditions under which the value may be cached, or the reason why it must not be cached. Call it when
   * the value is complete, in the event-loop tick in which it is cached.
   */
  close(): DerivedTerms | string {
    const terms = this.#close()
    this.abandon()
    return terms
  }

  #close(): DerivedTerms | string {
    if (!this.#isOpen) return 'ABANDONED'
    if (this.#reason !== undefined) return this.#reason
    if (this.#underWay > 0) return 'READ_IN_FLIGHT'
    if (this.#operations !== this.#parts) return 'UNKNOWN_READ'
    const tags = [...this.#stamps.keys()]
    if (tags.length === 0) return 'NO_QUERY'
    if (tags.length > MAX_TAGS) return 'TOO_MANY_TAGS'
    if (!this.#snapshots.every((snapshot) => snapshot.isCurrent)) return 'DISCARDED_BY_WRITE'
    const snapshot = this.table.snapshot(tags)
    if (snapshot === undefined) return 'DISCARDED_BY_WRITE'
    const permit =
      this.#epoch === undefined
        ? undefined
        : { epoch: this.#epoch, tags, stamps: [...this.#stamps.values()] as string[] }
    if (this.isShared && permit === undefined) return 'REJECTED_BY_STORE'
    return {
      tags,
      snapshot,
      permit,
      isShareable: this.#isShareable,
      isStrict: this.#isStrict,
      maxTtlMs: this.#maxTtlMs,
      databases: [...this.#databases],
    }
  }

  #add(
    tags: readonly string[],
    snapshot: TagSnapshot | undefined,
    permit: Permit | undefined,
    terms: PartTerms,
  ): void {
    if (this.isShared && permit === undefined) this.spoil('REJECTED_BY_STORE')
    if (snapshot === undefined) this.spoil('DISCARDED_BY_WRITE')
    else this.#snapshots.push(snapshot)
    for (const tag of tags) this.#stamp(tag, permit?.stamps[permit.tags.indexOf(tag)])
    if (permit !== undefined) {
      if (this.#epoch !== undefined && this.#epoch !== permit.epoch) this.spoil('DISCARDED_BY_WRITE')
      this.#epoch = permit.epoch
    }
    if (!terms.isShareable) this.#isShareable = false
    if (terms.isStrict) this.#isStrict = true
    if (terms.database !== undefined) this.#databases.add(terms.database)
    if (terms.maxTtlMs !== undefined)
      this.#maxTtlMs = Math.min(this.#maxTtlMs ?? Number.POSITIVE_INFINITY, terms.maxTtlMs)
  }

  /** A value from two reads that saw different states of a tag was never valid. */
  #stamp(tag: string, stamp: string | undefined): void {
    const isKnown = this.#stamps.has(tag)
    if (isKnown && this.#stamps.get(tag) !== stamp) this.spoil('DISCARDED_BY_WRITE')
    if (!isKnown) this.#stamps.set(tag, stamp)
    if (this.isShared && stamp === undefined) this.spoil('REJECTED_BY_STORE')
  }
}

function limited(terms: PartTerms, leftMs: number | undefined): PartTerms {
  const { maxTtlMs } = terms
  return maxTtlMs === undefined || leftMs === undefined
    ? terms
    : { ...terms, maxTtlMs: Math.min(maxTtlMs, leftMs) }
}

/** A read that was not reported when it settles is unknown. */
export function endWith(basis: BasisPart, answer: Promise<unknown>): void {
  const end = () => basis.spoil('UNKNOWN_READ')
  answer.then(end, end)
}
