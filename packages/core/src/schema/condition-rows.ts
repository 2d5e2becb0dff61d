import type { Condition, Statement } from '../sql/statement-types.ts'
import type { TableId } from './catalog-data.ts'
import type { CatalogRegistry } from './catalog-registry.ts'
import { type KeyedRows, keyedRows, MAX_READ_ROWS, type RowKey } from './row-key.ts'

/** The rows of one table that a read is about. */
export interface PinnedRead extends KeyedRows {
  readonly table: TableId
  /** Whether each row of the result is one row of the table; otherwise a row may give several. */
  readonly isPlain: boolean
}

/**
 * The rows that all of a statement's conditions leave, as its primary key names them; `undefined` where they name none.
 *
 * @param values - What is bound to its parameters.
 */
export function rowsOfConditions(
  { placeholders }: Statement,
  conditions: readonly Condition[],
  key: RowKey,
  values: readonly unknown[],
  most: number,
): KeyedRows | undefined {
  // Bound values that are not what the text asks for are not bound as it is read here.
  const isBound = key.dialect === 'postgresql' || placeholders === values.length
  const options: (readonly unknown[])[] = []
  for (const column of key.columns) {
    const name = key.dialect === 'postgresql' ? column : column.toLowerCase()
    const condition = conditions.find((one) => one.column === name)
    if (condition === undefined) return undefined
    if (!isBound && condition.values.some((value) => typeof value === 'number')) return undefined
    options.push(condition.values.map((value) => (typeof value === 'number' ? values[value] : value)))
  }
  return keyedRows(key, options, most)
}

/** The rows of its first table on which a SELECT's result depends, if it names them by their primary key and reads the table nowhere else. */
export function pinnedReadOf(
  statement: Statement,
  values: readonly unknown[],
  sourceId: string,
  catalogs: CatalogRegistry,
): PinnedRead | undefined {
  const { listing, reads } = statement
  const catalog = listing && catalogs.seenBy(sourceId)
  if (listing === undefined || catalog === undefined) return undefined
  const table = catalog.idOf(listing.table)
  const key = catalogs.rowKey(sourceId, table)
  if (key === undefined || reads.filter((name) => catalog.idOf(name) === table).length !== 1) return undefined
  const rows = rowsOfConditions(statement, listing.conditions, key, values, MAX_READ_ROWS)
  return rows === undefined ? undefined : { ...rows, table, isPlain: listing.isPlain }
}
