import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseTarget } from '../database-target.ts'

/** An index of `indexes.md`. */
export interface CarefulIndex {
  readonly table: string
  readonly columns: readonly string[]
  /** Whether the database's `LIKE` could not use it for the app's query. */
  readonly isOutOfReach: boolean
}

const ROW = /^\| `(\w+)` +\| (.+?) +\|/gm

/** The set that was chosen by hand. */
export function carefulIndexes(kind: DatabaseTarget['kind']): CarefulIndex[] {
  const text = readFileSync(join(import.meta.dirname, '../../indexes.md'), 'utf8')
  return [...text.matchAll(ROW)].map(([, table = '', columns = '']) => ({
    table,
    columns: [...columns.matchAll(/`(\w+)`/g)].map(([, column = '']) => column),
    isOutOfReach: kind === 'sqlite' && columns.includes('for prefixes'),
  }))
}

/** Whether the recommended index begins with the columns of an index of the set. */
export function serves(
  advised: { readonly table: string; readonly columns: readonly string[] },
  { table, columns }: CarefulIndex,
): boolean {
  return advised.table === table && columns.every((column, at) => advised.columns[at] === column)
}
