import type { CatalogTable } from '../schema/catalog.ts'
import type { ColumnType } from '../schema/catalog-data.ts'
import type { Dialect } from '../sql/dialect.ts'

/**
 * Whether the order is deterministic for the rows of one key: the order and the key together contain a unique
 * key.
 *
 * @param orders - The names of the columns in ORDER BY.
 * @param keys - The names of the key's columns.
 */
export function isTotalOrder(
  orders: readonly string[],
  keys: readonly string[],
  table: CatalogTable,
): boolean {
  const settled = new Set(keys)
  // A unique key does not treat nulls as duplicates.
  for (const { name, nullable } of table.columns) if (!nullable && orders.includes(name)) settled.add(name)
  return [table.primaryKey, ...table.uniqueKeys].some(
    (key) => key.length > 0 && key.every((column) => settled.has(column)),
  )
}

/**
 * Types for which ORDER BY and RANK find the same rows equal on MySQL: it orders strings and bytes by their
 * first `max_sort_length` bytes only. Other databases compare all types alike in both.
 */
const RANKED = new Set<ColumnType | undefined>(['integer', 'decimal', 'float', 'uuid', 'boolean', 'datetime'])

/** Whether RANK shows the ties of an order by columns of these types. */
export function showsTies(types: readonly (ColumnType | undefined)[], dialect: Dialect | undefined): boolean {
  return dialect !== 'mysql' || types.every((type) => RANKED.has(type))
}
