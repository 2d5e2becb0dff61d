import { type KeyedRows, keyedRows, type RowKey, type TableId } from '@sluice/core/adapter'
import { type Fields, isFields, listOf } from '../argument-shapes.ts'
import type { PrismaModel } from '../schema/prisma-model.ts'

/** The key that identifies the rows of a table; `undefined` if its rows are not distinguished. */
export type KeyOf = (table: TableId) => RowKey | undefined

/**
 * The rows that a filter can match at most, if it specifies the whole primary key, at its top level or under
 * AND. Other conditions next to the key, including OR and NOT, only reduce the rows. `undefined` if it can
 * match any row.
 *
 * @param most - Maximum number of rows that are distinguished.
 */
export function pinnedRows(
  model: PrismaModel,
  key: RowKey,
  where: unknown,
  most: number,
): KeyedRows | undefined {
  if (!isFields(where)) return undefined
  const names = model.keyNames(key.columns)
  if (names === undefined) return undefined
  const { fields, selectors } = names
  let rows = rowsOf(key, fields, where, most)
  for (const selector of selectors) {
    const value = where[selector]
    if (rows === undefined && isFields(value)) rows = rowsOf(key, fields, value, most)
  }
  if (rows !== undefined || where.AND === undefined) return rows
  for (const one of listOf(where.AND)) {
    const inner = pinnedRows(model, key, one, most)
    if (inner !== undefined) return inner
  }
  return undefined
}

function rowsOf(key: RowKey, fields: readonly string[], values: Fields, most: number): KeyedRows | undefined {
  const options: (readonly unknown[])[] = []
  for (const field of fields) {
    const value = optionsOf(values[field])
    if (value === undefined) return undefined
    options.push(value)
  }
  return keyedRows(key, options, most)
}

/**
 * The values that a filter on one field allows; `undefined` if it allows any, as it does when it is
 * `undefined` itself.
 */
function optionsOf(filter: unknown): readonly unknown[] | undefined {
  if (filter === undefined || filter === null) return undefined
  if (typeof filter !== 'object') return [filter]
  const [operator, ...others] = Object.keys(filter)
  if (others.length > 0 || (operator !== 'equals' && operator !== 'in')) return undefined
  const value = (filter as Fields)[operator]
  if (operator === 'equals') return value === undefined ? undefined : [value]
  return Array.isArray(value) ? value : undefined
}

/**
 * Whether all rows to which a read is pinned existed. A result along a relation of one row proves that this
 * row existed.
 *
 * @param action - Prisma's name of the action.
 * @param count - Number of rows to which the read is pinned.
 */
export function areFound(value: unknown, action: string, count: number): boolean {
  if (action === 'findMany') return Array.isArray(value) && value.length === count
  return Array.isArray(value) ? value.length > 0 : value !== null && value !== undefined
}
