import type { TableId, WriteEffect } from '@sluice/core/adapter'
import { rowBucket } from '../../packages/core/src/schema/row-key.ts'
import type { RowChange } from './change-log.ts'

/**
 * The changes of rows that existed before the write, in tables for which it was predicted to modify other
 * rows only.
 */
export function missedRows(changes: readonly RowChange[], { rows }: WriteEffect): string[] {
  const created = new Set<string>()
  const missed: string[] = []
  for (const { table, before, after } of changes) {
    const name = (key: readonly string[]) => `${table} ${JSON.stringify(key)}`
    const expected = rows?.get(table)
    if (before === undefined) {
      if (after !== undefined) created.add(name(after))
    } else if (expected !== undefined && !created.has(name(before)) && !expected.has(rowBucket(before)))
      missed.push(name(before))
    // With its new key, the row is not one that existed before.
    else if (before !== undefined && after !== undefined && name(before) !== name(after))
      created.add(name(after))
  }
  return missed
}

export function tablesOf(changes: readonly RowChange[]): ReadonlySet<TableId> {
  return new Set(changes.map(({ table }) => table))
}
