import type { WriteEffect } from '../../schema/catalog.ts'
import type { TableId } from '../../schema/catalog-data.ts'
import { EVERY_TAG } from '../stores/cache-store.ts'

/** Rows of one write or read that are told apart; more count as all. */
const MAX_WRITTEN_ROWS = 64

/** Carried by every read that is not pinned by the primary key; written by every write to the table. */
export function setTag(table: TableId): string {
  return `${table}#set`
}

/** Carried by every pinned read; written where the rows are not known. */
export function allTag(table: TableId): string {
  return `${table}#all`
}

/** @param bucket - See `rowBucket`. */
export function rowTag(table: TableId, bucket: number): string {
  return `${table}#r${bucket}`
}

/** The tags that a write touches. */
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
