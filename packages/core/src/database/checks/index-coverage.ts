import type { IndexDefinition, IndexKey } from '../index-definition.ts'
import type { IndexSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'

/** An index as checks compare it: a table may be ordered by its primary key, without an index of its own for it. */
export interface Coverage extends IndexDefinition {
  readonly name: string
  readonly isPrimary: boolean
}

const ROWID_TYPE = /^integer$/i

/** The indexes that serve reads, the order of the table itself included. */
export function coveragesOf(table: TableSnapshot): readonly Coverage[] {
  const serving = table.indexes.filter(isServing)
  const [only] = table.primaryKey
  if (only === undefined || table.indexes.some(({ isPrimary }) => isPrimary)) return serving
  const isRowid =
    table.primaryKey.length === 1 && table.columns.some(({ name, databaseType }) => name === only && ROWID_TYPE.test(databaseType))
  if (table.isClustered !== true && !isRowid) return serving
  const keys = table.primaryKey.map((column) => ({ column }))
  return [...serving, { table: table.id, keys, method: 'btree', isUnique: true, name: 'PRIMARY KEY', isPrimary: true }]
}

export function isServing(index: IndexSnapshot): boolean {
  return index.isValid && index.isVisible
}

/** How many of the keys of one index another begins with, in the same order or all the other way round. */
export function sharedKeys(keys: readonly IndexKey[], others: readonly IndexKey[]): number {
  return Math.max(count(keys, others, isSameKey), count(keys, others, isReversedKey))
}

function count(keys: readonly IndexKey[], others: readonly IndexKey[], test: (a: IndexKey, b: IndexKey) => boolean): number {
  let shared = 0
  for (const [at, key] of keys.entries()) {
    const other = others[at]
    if (other === undefined || !test(key, other)) break
    shared += 1
  }
  return shared
}

function isSameKey(a: IndexKey, b: IndexKey): boolean {
  return isSameValue(a, b) && (a.isDescending ?? false) === (b.isDescending ?? false) && a.nulls === b.nulls
}

/** An index is read from either end. */
function isReversedKey(a: IndexKey, b: IndexKey): boolean {
  const isFlipped = (a.isDescending ?? false) !== (b.isDescending ?? false)
  return isSameValue(a, b) && isFlipped && a.nulls === undefined && b.nulls === undefined
}

function isSameValue(a: IndexKey, b: IndexKey): boolean {
  return (
    a.column === b.column &&
    a.expression === b.expression &&
    a.operatorClass === b.operatorClass &&
    a.collation === b.collation &&
    a.prefixLength === b.prefixLength
  )
}

/** Whether an index finds rows by values of all these columns: they are its first keys, in any order. */
export function findsBy({ keys, method, where }: Coverage, columns: readonly string[]): boolean {
  const first = keys.slice(0, columns.length)
  const isOfColumns = first.every(
    ({ column, expression, prefixLength }) => expression === undefined && prefixLength === undefined && columns.includes(column),
  )
  if (first.length < columns.length || !isOfColumns || new Set(first.map(({ column }) => column)).size < columns.length) return false
  if (method !== 'btree' && !(method === 'hash' && keys.length === columns.length)) return false
  return where === undefined || isNotNullOnly(where, columns)
}

/** A condition that every row fulfils which can be found by the columns' values. */
function isNotNullOnly(where: string, columns: readonly string[]): boolean {
  const parts = where.split(/\s+and\s+/i).map((part) => /^[("`[\s]*([^"`\])(]+?)["`\]\s]* is not null[)\s]*$/i.exec(part)?.[1])
  return parts.every((column) => column !== undefined && columns.includes(column))
}

/** Columns of an index, for people. */
export function columnsOf({ keys }: IndexDefinition): readonly string[] {
  return keys.map(({ column, expression }) => expression ?? column)
}
