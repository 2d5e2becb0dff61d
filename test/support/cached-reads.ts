import { canonicalKey, type TableId, type WriteEffect } from '@sluice/core/adapter'
import { allTag, rowTag, setTag, tagsWritten } from '../../packages/core/src/cache/coherence/tags.ts'
import { EVERY_TAG } from '../../packages/core/src/cache/stores/cache-store.ts'

export interface KnownRead {
  /** Its name in a report. */
  readonly name: string
  readonly tables: Iterable<TableId>
  /** Like in a `CacheRequest`. */
  readonly rows?: ReadonlyMap<TableId, readonly number[]> | undefined
  isComplete?(value: unknown): boolean
  /** Whether the order of its rows is significant. */
  readonly isOrdered: boolean
  ask(): Promise<unknown>
}

interface Kept {
  readonly read: KnownRead
  readonly tags: ReadonlySet<string>
  readonly text: string
}

/** Caches results by tags, and queries again when a write is predicted to leave them unchanged. */
export class CachedReads {
  readonly stale: string[] = []
  /** How often a cached result was fetched again although one of its tables changed. */
  reruns = 0
  /** Results cached by rows. */
  pinned = 0
  #kept: Kept[] = []

  constructor(private readonly most = 100) {}

  async keep(read: KnownRead): Promise<void> {
    const value = await read.ask()
    const isPinned = read.rows !== undefined && read.isComplete?.(value) === true
    if (isPinned) this.pinned++
    this.#kept.push({ read, tags: new Set(tagsOf(read, isPinned)), text: textOf(value, read.isOrdered) })
    if (this.#kept.length > this.most) this.#kept.shift()
  }

  /** @param changed - The tables that the write really changed. */
  async written(write: string, effect: WriteEffect, changed: ReadonlySet<TableId>): Promise<void> {
    const written = tagsWritten(effect)
    this.#kept = this.#kept.filter(
      ({ tags }) => !written.includes(EVERY_TAG) && !written.some((tag) => tags.has(tag)),
    )
    for (const { read, text } of [...this.#kept]) {
      const isNear = [...read.tables].some((table) => changed.has(table))
      if (!isNear) continue
      this.reruns++
      const now = textOf(await read.ask(), read.isOrdered)
      if (now === text) continue
      this.stale.push(`${read.name} after ${write}: ${text} is ${now}`)
      this.#kept = this.#kept.filter((kept) => kept.read !== read)
    }
  }
}

function tagsOf({ tables, rows }: KnownRead, isPinned: boolean): string[] {
  return [...tables].flatMap((table) => {
    const buckets = isPinned ? rows?.get(table) : undefined
    return buckets === undefined
      ? [setTag(table)]
      : [allTag(table), ...buckets.map((bucket) => rowTag(table, bucket))]
  })
}

function textOf(value: unknown, isOrdered: boolean): string {
  if (!Array.isArray(value)) return String(canonicalKey(value))
  const texts = value.map((row) => String(canonicalKey(row)))
  return (isOrdered ? texts : texts.sort()).join('\n')
}
