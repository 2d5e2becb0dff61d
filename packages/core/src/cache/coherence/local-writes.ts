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
import { TransactionWriteSet } from './transaction-write-set.ts'

/** A write from begin to end, in this process. A class, because one is created for each write. */
class LocalWrite implements WriteIntent, AnnouncedWrite {
  readonly ready: undefined
  #open: OpenTags | undefined

  constructor(
    private readonly table: TagTable,
    tags: readonly string[],
  ) {
    this.#open = table.begin(tags)
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
    return new LocalWrite(this.table, tagsWritten(effect))
  }

  hold(effect: WriteEffect): () => void {
    return this.table.hold(tagsWritten(effect))
  }

  announce(effect: WriteEffect): AnnouncedWrite {
    return this.announceTags(tagsWritten(effect))
  }

  /** A write to these tags is about to take effect. */
  announceTags(tags: readonly string[]): AnnouncedWrite {
    return new LocalWrite(this.table, tags)
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
