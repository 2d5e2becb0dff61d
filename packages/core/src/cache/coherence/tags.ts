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

/** Numbers of a table's tags, after those of its rows, which are their buckets. */
const SET = 16_384
const ALL = 16_385

/**
 * The tag of a table.
 *
 * @param number - A bucket, or a number that `eachTagWritten` passes.
 */
export function tableTag(table: TableId, number: number): string {
  if (number === SET) return setTag(table)
  return number === ALL ? allTag(table) : rowTag(table, number)
}

/** Calls `visit` for each tag of a table that a write modifies, unless it can modify everything. */
export function eachTagWritten(
  { tables, rows }: WriteEffect,
  visit: (table: TableId, number: number) => void,
): void {
  for (const table of tables) {
    const written = rows?.get(table)
    visit(table, SET)
    if (written === undefined || written.size > MAX_WRITTEN_ROWS) visit(table, ALL)
    else for (const bucket of written) visit(table, bucket)
  }
}

/** The tags that a write modifies. */
export function tagsWritten(effect: WriteEffect): readonly string[] {
  if (effect.everything) return [EVERY_TAG]
  const tags: string[] = []
  eachTagWritten(effect, (table, number) => tags.push(tableTag(table, number)))
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
  let optional = 0
  for (const table of tables) {
    const pinned = rows.get(table)
    if (pinned === undefined) tags.push(setTag(table))
    else {
      for (const bucket of pinned.length < 2 ? pinned : new Set(pinned)) tags.push(rowTag(table, bucket))
      tags.push(allTag(table))
      optional += 1
    }
  }
  if (optional > 0) for (const table of tables) if (rows.has(table)) tags.push(setTag(table))
  return { tags, optional }
}
