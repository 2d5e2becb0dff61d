import { trimEnd } from '../../shared/trim-end.ts'
import { type IndexDefinition, sharedKeys } from '../index-definition.ts'
import type { IndexSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'

/**
 * An index in the form that checks compare: a table can be ordered by its primary key without a separate
 * index.
 */
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
    table.primaryKey.length === 1 &&
    table.columns.some(({ name, databaseType }) => name === only && ROWID_TYPE.test(databaseType))
  if (table.isClustered !== true && !isRowid) return serving
  const keys = table.primaryKey.map((column) => ({ column }))
  return [
    ...serving,
    { table: table.id, keys, method: 'btree', isUnique: true, name: 'PRIMARY KEY', isPrimary: true },
  ]
}

export function isServing(index: IndexSnapshot): boolean {
  return index.isValid && index.isVisible
}

/** Whether an index finds rows by values of all these columns: they are its first keys, in any order. */
export function findsBy({ keys, method, where }: Coverage, columns: readonly string[]): boolean {
  const first = keys.slice(0, columns.length)
  const isOfColumns = first.every(
    ({ column, expression, prefixLength }) =>
      expression === undefined && prefixLength === undefined && columns.includes(column),
  )
  if (
    first.length < columns.length ||
    !isOfColumns ||
    new Set(first.map(({ column }) => column)).size < columns.length
  )
    return false
  if (method !== 'btree' && !(method === 'hash' && keys.length === columns.length)) return false
  return where === undefined || isNotNullOnly(where, columns)
}

/** A condition that every row fulfils which can be found by the columns' values. */
function isNotNullOnly(where: string, columns: readonly string[]): boolean {
  return where.split(/\sand\s/i).every((part) => {
    const condition = trimEnd(part.trim(), ') \n\t')
    if (!/ is not null$/i.test(condition)) return false
    const name = trimEnd(condition.slice(0, -' is not null'.length), '"`] ')
    return columns.includes(name.replace(/^[("`[\s]+/, ''))
  })
}

/** Columns of an index, for people. */
export function columnsOf({ keys }: IndexDefinition): readonly string[] {
  return keys.map(({ column, expression }) => expression ?? column)
}

/** Whether an index fully replaces `other`: its first keys are the keys of `other`, for the same rows. */
export function covers(index: IndexDefinition, other: IndexDefinition): boolean {
  if (
    index.table !== other.table ||
    index.method !== other.method ||
    (index.where ?? '') !== (other.where ?? '')
  )
    return false
  return sharedKeys(other.keys, index.keys) === other.keys.length
}
