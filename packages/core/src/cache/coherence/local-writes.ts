import type { AnnouncedWrite, TransactionWrites, WriteIntent, WriteOutcome, WriteTracker } from '../../pipeline/writes.ts'
import type { WriteEffect } from '../../schema/catalog.ts'
import type { TableId } from '../../schema/catalog-data.ts'
import { GatheredWrites } from './gathered-writes.ts'
import type { TagTable } from './tag-table.ts'
import { setTag, tagsWritten } from './tags.ts'

/** Writes that only this process needs to know of. */
export class LocalWrites implements WriteTracker {
  readonly isShared: boolean = false

  constructor(protected readonly table: TagTable) {}

  begin(effect: WriteEffect): WriteIntent {
    const tags = tagsWritten(effect)
    this.table.begin(tags)
    let ended = false
    return {
      end: (outcome) => {
        if (ended) return
        ended = true
        this.table.end(tags, outcome)
      },
    }
  }

  announce(effect: WriteEffect): AnnouncedWrite {
    return this.announceTags(tagsWritten(effect))
  }

  /** A write to these tags is about to take effect. */
  announceTags(tags: readonly string[]): AnnouncedWrite {
    this.table.begin(tags)
    let ended = false
    return {
      ready: undefined,
      end: (outcome: WriteOutcome) => {
        if (!ended) this.table.end(tags, outcome)
        ended = true
        return undefined
      },
    }
  }

  transaction(): TransactionWrites {
    return new GatheredWrites((effect) => this.announce(effect))
  }

  stateOf(tables: readonly TableId[]): number | undefined {
    return this.table.snapshot(tables.map(setTag))?.state
  }

  /** A write that somebody else made is known to have ended. */
  invalidate(effect: WriteEffect): Promise<void> {
    return this.invalidateTags(tagsWritten(effect))
  }

  invalidateTags(tags: readonly string[]): Promise<void> {
    this.table.raise(tags)
    return Promise.resolve()
  }

  close(): void {}
}
