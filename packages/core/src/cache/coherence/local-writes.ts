import { WriteSet } from '../../pipeline/write-set.ts'
import type {
  AnnouncedWrite,
  TransactionWrites,
  WriteIntent,
  WriteOutcome,
  WriteTracker,
} from '../../pipeline/writes.ts'
import type { WriteEffect } from '../../schema/catalog.ts'
import type { TableId } from '../../schema/catalog-data.ts'
import type { OpenTags, TagTable } from './tag-table.ts'
import { setTag, tagsWritten } from './tags.ts'

/** Maximum number of savepoints of a transaction that are distinguished. */
const MAX_FRAMES = 1_000

/** The effects of one transaction, by savepoint. Nothing is announced before the commit. */
class TransactionWriteSet implements TransactionWrites {
  readonly #frames: { readonly name: string; readonly writes: WriteSet }[] = [
    { name: '', writes: new WriteSet() },
  ]
  /** There were too many savepoints: writes that are rolled back to one of them count as written. */
  #isFlat = false
  #announced: AnnouncedWrite | undefined

  constructor(private readonly announce: (effect: WriteEffect) => AnnouncedWrite) {}

  add(effect: WriteEffect): void {
    this.#frames.at(-1)?.writes.add(effect)
  }

  savepoint(name: string): void {
    if (this.#isFlat) return
    this.#frames.push({ name, writes: new WriteSet() })
    if (this.#frames.length <= MAX_FRAMES) return
    this.#isFlat = true
    this.#join(1)
  }

  release(name: string): void {
    const at = this.#find(name)
    if (at > 0) this.#join(at)
  }

  rollbackTo(name: string): void {
    const at = this.#find(name)
    if (at <= 0) return
    // The savepoint itself remains: later writes belong to it.
    this.#frames.splice(at)
    this.#frames.push({ name, writes: new WriteSet() })
  }

  beforeCommit(): Promise<void> | undefined {
    if (this.#announced === undefined) {
      const all = new WriteSet()
      for (const { writes } of this.#frames) all.add(writes)
      if (!all.isEmpty) this.#announced = this.announce(all)
    }
    return this.#announced?.ready
  }

  end(outcome: WriteOutcome): Promise<void> | undefined {
    // A commit that was not announced (its adapter saw only the end) counts anyway.
    if (outcome !== 'rolled-back') this.beforeCommit()
    const announced = this.#announced
    this.#announced = undefined
    this.#isFlat = false
    this.#frames.splice(0, this.#frames.length, { name: '', writes: new WriteSet() })
    return announced?.end(outcome)
  }

  /** Merges the frames from `at` on into the frame before it. */
  #join(at: number): void {
    const joined = this.#frames.splice(at)
    for (const { writes } of joined) this.#frames.at(-1)?.writes.add(writes)
  }

  #find(name: string): number {
    return this.#frames.findLastIndex((frame) => frame.name === name)
  }
}

/** A write from begin to end, in this process. A class, because one is created for each write. */
class LocalWrite implements WriteIntent, AnnouncedWrite {
  readonly ready: undefined
  #open: OpenTags | undefined

  constructor(
    private readonly table: TagTable,
    open: OpenTags,
  ) {
    this.#open = open
  }

  end(outcome: WriteOutcome): undefined {
    if (this.#open !== undefined) this.table.end(this.#open, outcome)
    this.#open = undefined
  }
}

/** Writes that only this process needs to know of. */
export class LocalWrites implements WriteTracker {
  readonly isShared: boolean = false

  constructor(protected readonly table: TagTable) {}

  begin(effect: WriteEffect): WriteIntent {
    return new LocalWrite(this.table, this.table.beginWrite(effect))
  }

  hold(effect: WriteEffect): () => void {
    return this.table.hold(tagsWritten(effect))
  }

  announce(effect: WriteEffect): AnnouncedWrite {
    return new LocalWrite(this.table, this.table.beginWrite(effect))
  }

  /** A write to these tags is about to take effect. */
  announceTags(tags: readonly string[]): AnnouncedWrite {
    return new LocalWrite(this.table, this.table.begin(tags))
  }

  transaction(): TransactionWrites {
    return new TransactionWriteSet((effect) => this.announce(effect))
  }

  stateOf(tables: readonly TableId[]): number | undefined {
    return this.table.snapshot(tables.map(setTag))?.state
  }

  /** An external write is known to have ended. */
  invalidate(effect: WriteEffect): Promise<void> {
    return this.invalidateTags(tagsWritten(effect))
  }

  invalidateTags(tags: readonly string[]): Promise<void> {
    this.table.raise(tags)
    return Promise.resolve()
  }

  /** @returns A promise to await; `undefined`: there is none. Never rejects. */
  close(): Promise<void> | undefined {
    return undefined
  }
}
