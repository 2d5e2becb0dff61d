import type { CacheRequest } from '../../pipeline/operation.ts'
import type { WriteEffect } from '../../schema/catalog.ts'
import type { TableId } from '../../schema/catalog-data.ts'
import { EVERY_TAG } from '../stores/cache-store.ts'

/** Maximum number of rows of one write that are distinguished; more count as all rows. */
const MAX_WRITTEN_ROWS = 64

/** Tag of every read that is not pinned by the primary key; modified by every write to the table. */
export function setTag(table: TableId): string {
  return `${table}#set`
}

/** Tag of every pinned read; modified by writes to unknown rows. */
export function allTag(table: TableId): string {
  return `${table}#all`
}

/** @param bucket - See `rowBucket`. */
export function rowTag(table: TableId, bucket: number): string {
  return `${table}#r${bucket}`
}

/** The tags that a write modifies. */
export function tagsWritten({ tables, rows, everything }: WriteEffect): readonly string[] {
  if (everything) return [EVERY_TAG]
  const tags: string[] = []
  for (const table of tables) {
    const written = rows?.get(table)
    tags.push(setTag(table))
    if (written === undefined || written.size > MAX_WRITTEN_ROWS) tags.push(allTag(table))
    else for (const bucket of written) tags.push(rowTag(table, bucket))
  }
  return tags
}

/** The tags of a read. */
export interface ReadTags {
  readonly tags: readonly string[]
  /** Number of tags at the end that do not matter if the result contains every requested row. */
  readonly optional: number
}

/** The tags that the result of a read depends on. */
export function tagsRead({ tables, rows }: Pick<CacheRequest<unknown>, 'tables' | 'rows'>): ReadTags {
  if (rows === undefined || rows.size === 0) return { tags: tables.map(setTag), optional: 0 }
  const tags: string[] = []
  const sets: string[] = []
  for (const table of tables) {
    const pinned = rows.get(table)
    if (pinned === undefined) tags.push(setTag(table))
    else {
      for (const bucket of new Set(pinned)) tags.push(rowTag(table, bucket))
      tags.push(allTag(table))
      sets.push(setTag(table))
    }
  }
  return { tags: [...tags, ...sets], optional: sets.length }
}
