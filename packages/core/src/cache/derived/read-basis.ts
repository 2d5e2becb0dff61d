import { type Basis, closeBasis, openBasis } from '../../pipeline/basis.ts'
import type { Permit } from '../coherence/shared-reads.ts'
import type { TagSnapshot, TagTable } from '../coherence/tag-table.ts'

/** More tags than this cost more to check than they save. */
const MAX_TAGS = 128

/** What a value may be kept under. */
export interface DerivedTerms {
  readonly tags: readonly string[]
  readonly snapshot: TagSnapshot
  /** `undefined`: this process is by itself. */
  readonly permit: Permit | undefined
  readonly isShareable: boolean
  /** The databases that were read, by the names that all processes have for them. */
  readonly databases: readonly string[]
  /** Whether a part of it is to be checked in the store with each use. */
  readonly isStrict: boolean
  /** How long it may be kept by what was said of its parts; `undefined`: nothing was. */
  readonly maxTtlMs: number | undefined
}

/** One read that a value is made from. Told of once. */
export interface BasisPart {
  /**
   * What was read is true as long as its tags are as they were.
   *
   * @param snapshot - This process's knowledge of the tags, from before the source was asked; `undefined`: a write was under way.
   * @param permit - The shared store's, from before the source was asked, or of the entry that answered.
   * @param leftMs - How long what was read is fresh yet; left out: as long as it ever is.
   */
  add(tags: readonly string[], snapshot: TagSnapshot | undefined, permit: Permit | undefined, leftMs?: number): void
  /** It is not known for how long what was read is true. */
  spoil(reason: string): void
}

/** What is said of a read besides its tags. */
export interface PartTerms {
  readonly isShareable: boolean
  readonly database: string | undefined
  readonly isStrict: boolean
  readonly maxTtlMs: number | undefined
}

/** Gathers the tags of all reads that a value is made from, with their state from before each was asked. */
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
   * @param context - What changes results without standing in a statement, as it was when the value was asked for.
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

  /** A read that is told of when it is known what it depends on. @param isOperation - Whether `begin` was called for it. */
  part(terms: PartTerms, isOperation: boolean): BasisPart {
    if (isOperation) this.#parts += 1
    this.#underWay += 1
    let isTold = false
    const told = (tell: () => void) => {
      if (isTold) return
      isTold = true
      this.#underWay -= 1
      if (this.#isOpen) tell()
      if (this.#underWay === 0) for (const settled of this.#onSettled.splice(0)) settled()
    }
    return {
      add: (tags, snapshot, permit, leftMs) => told(() => this.#add(tags, snapshot, permit, limited(terms, leftMs))),
      spoil: (reason) => told(() => this.spoil(reason)),
    }
  }

  /** A read that is known not to be kept, or a write. It was begun. */
  partWithout(reason: string): void {
    this.#parts += 1
    this.spoil(reason)
  }

  /** Settles when no read is under way any more. */
  settled(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onSettled.push(resolve))
  }

  /** What is begun from now on is no part of the value. */
  abandon(): void {
    this.#isOpen = false
    closeBasis(this)
  }

  /** Why the value could not be kept at this moment; `undefined`: it could. */
  obstacle(): string | undefined {
    const terms = this.#close()
    return typeof terms === 'string' ? terms : undefined
  }

  /** What the value may be kept under, or why it must not be kept. To be called when it is made, and in the turn in which it is kept. */
  close(): DerivedTerms | string {
    const terms = this.#close()
    this.abandon()
    return terms
  }

  #close(): DerivedTerms | string {
    if (!this.#isOpen) return 'given up'
    if (this.#reason !== undefined) return this.#reason
    if (this.#underWay > 0) return 'a read under way'
    if (this.#operations !== this.#parts) return 'unknown read'
    const tags = [...this.#stamps.keys()]
    if (tags.length === 0) return 'no query'
    if (tags.length > MAX_TAGS) return 'too many tags'
    if (!this.#snapshots.every((snapshot) => snapshot.isCurrent)) return 'overtaken'
    const snapshot = this.table.snapshot(tags)
    if (snapshot === undefined) return 'overtaken'
    const permit = this.#epoch === undefined ? undefined : { epoch: this.#epoch, tags, stamps: [...this.#stamps.values()] as string[] }
    if (this.isShared && permit === undefined) return 'not permitted'
    return {
      ...{ tags, snapshot, permit, isShareable: this.#isShareable, isStrict: this.#isStrict, maxTtlMs: this.#maxTtlMs },
      databases: [...this.#databases],
    }
  }

  #add(tags: readonly string[], snapshot: TagSnapshot | undefined, permit: Permit | undefined, terms: PartTerms): void {
    if (this.isShared && permit === undefined) this.spoil('not permitted')
    if (snapshot === undefined) this.spoil('overtaken')
    else this.#snapshots.push(snapshot)
    for (const tag of tags) this.#stamp(tag, permit?.stamps[permit.tags.indexOf(tag)])
    if (permit !== undefined) {
      if (this.#epoch !== undefined && this.#epoch !== permit.epoch) this.spoil('overtaken')
      this.#epoch = permit.epoch
    }
    if (!terms.isShareable) this.#isShareable = false
    if (terms.isStrict) this.#isStrict = true
    if (terms.database !== undefined) this.#databases.add(terms.database)
    if (terms.maxTtlMs !== undefined) this.#maxTtlMs = Math.min(this.#maxTtlMs ?? Number.POSITIVE_INFINITY, terms.maxTtlMs)
  }

  /** Two reads that saw different states of a tag make no value that was ever true. */
  #stamp(tag: string, stamp: string | undefined): void {
    const isKnown = this.#stamps.has(tag)
    if (isKnown && this.#stamps.get(tag) !== stamp) this.spoil('overtaken')
    if (!isKnown) this.#stamps.set(tag, stamp)
    if (this.isShared && stamp === undefined) this.spoil('not permitted')
  }
}

function limited(terms: PartTerms, leftMs: number | undefined): PartTerms {
  const { maxTtlMs } = terms
  return maxTtlMs === undefined || leftMs === undefined ? terms : { ...terms, maxTtlMs: Math.min(maxTtlMs, leftMs) }
}

/** What was not told of by then is not known. */
export function endWith(basis: BasisPart, answer: Promise<unknown>): void {
  const end = () => basis.spoil('unknown read')
  answer.then(end, end)
}
